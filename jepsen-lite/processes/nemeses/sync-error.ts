import { pick } from "../draw.ts";
import { type Nemesis, needsOwned } from "../nemesis.ts";
import { SyncErrors } from "../sync-errors.ts";
import { targets } from "../targets.ts";

export const syncError: Nemesis = {
  name: "sync-error",
  summary: "every fsync of one, a minority or the leader fails: who cannot know what is on its disk has to stop",
  async probe(context) {
    return (await needsOwned(context)) ?? SyncErrors.probe();
  },
  async apply({ cluster, random, scene }) {
    const target = pick(["one", "minority", "leader"] as const, random);
    const names = targets[target](scene(), random).filter((name) => cluster.own(name).process.runs);
    if (names.length === 0) return undefined;
    const struck = names.map((name) => cluster.own(name).process);
    for (const process of struck) process.mayEnd = true;
    const errors = await Promise.all(struck.map(({ pid }) => SyncErrors.inject(pid!)));
    return {
      value: { target, members: names },
      async heal() {
        await Promise.all(errors.map((one) => one.end()));
        const stopped = struck.filter(({ runs }) => !runs).length;
        for (const process of struck) {
          if (process.runs) process.mayEnd = false;
          else process.start();
        }
        return { effect: errors.reduce((sum, { count }) => sum + count, 0), value: { stopped } };
      },
    };
  },
  expectedOutput: [/input\/output error/i, /EIO/],
};
