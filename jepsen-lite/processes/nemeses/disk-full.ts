import { Ballast } from "../ballast.ts";
import { shuffled } from "../draw.ts";
import { LoopDisk } from "../loop-disk.ts";
import { sleep } from "../machine-clock.ts";
import { type Nemesis, needsOwned } from "../nemesis.ts";

/** Writers need a moment to find out: what was set aside before is used up first. */
const patienceMs = 5000;

export const diskFull: Nemesis = {
  name: "disk-full",
  summary: "the disks of a minority are full: writes get ENOSPC; then there is room again",
  prepare: ["disk"],
  async probe(context) {
    return (await needsOwned(context)) ?? LoopDisk.probe(context.directory);
  },
  async apply({ cluster, random, scene }) {
    const { members } = scene();
    const names = shuffled(members, random).slice(0, Math.max(1, (members.length - 1) >> 1));
    const struck = names.map((name) => cluster.own(name));
    const ballasts = struck.map(({ dataDir }) => new Ballast(dataDir));
    for (const { process } of struck) process.mayEnd = true;
    const bytes = ballasts.reduce((sum, ballast) => sum + ballast.fill(), 0);
    for (const until = performance.now() + patienceMs; performance.now() < until; await sleep(50))
      if (struck.every(({ process }) => !process.runs)) break;
    return {
      value: { members: names, bytes },
      async heal() {
        for (const ballast of ballasts) ballast.remove();
        const stopped = struck.filter(({ process }) => !process.runs);
        for (const { process } of struck) {
          if (process.runs) process.mayEnd = false;
          else process.start();
        }
        return { effect: stopped.length };
      },
    };
  },
  expectedOutput: [/no space left on device/i, /ENOSPC/],
};
