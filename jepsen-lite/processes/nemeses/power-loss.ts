import { pick } from "../draw.ts";
import { LoopDisk } from "../loop-disk.ts";
import { type Nemesis, needsOwned } from "../nemesis.ts";
import { targetNames, targets } from "../targets.ts";

export const powerLoss: Nemesis = {
  name: "power-loss",
  summary: "the power of one, some or all members and their disks is cut: what was not synced is gone",
  prepare: ["disk"],
  async probe(context) {
    return (await needsOwned(context)) ?? LoopDisk.probe(context.directory);
  },
  async apply({ faults, random, scene }) {
    const target = pick(targetNames, random);
    const names = targets[target](scene(), random);
    if (names.length === 0) return undefined;
    // Either may go first; a process that outlives its disk meets only errors, and may acknowledge nothing.
    const diskFirst = random.below(2) === 0 ? random.below(60) : undefined;
    const effect = await faults.powerLoss(names, diskFirst);
    return {
      value: { target, members: names, first: diskFirst === undefined ? "processes" : "disks" },
      async heal() {
        faults.start(...names);
        return { effect };
      },
    };
  },
  expectedOutput: [/input\/output error/i, /EIO/, /read-only file system/i, /EROFS/],
};
