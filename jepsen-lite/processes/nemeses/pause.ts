import { pick } from "../draw.ts";
import type { Nemesis } from "../nemesis.ts";
import { targetNames, targets } from "../targets.ts";

export const pause: Nemesis = {
  name: "pause",
  summary: "SIGSTOP to one, a minority, a majority, all, or the leader; then SIGCONT",
  async probe({ owned, pids }) {
    return owned || pids ? undefined : "nobody says which processes the members are: --pids does";
  },
  async apply({ faults, random, scene }) {
    const target = pick(targetNames, random);
    const names = targets[target](scene(), random);
    if (names.length === 0) return undefined;
    const effect = await faults.pause(...names);
    return {
      value: { target, members: names },
      async heal() {
        faults.resume(...names);
        return { effect };
      },
    };
  },
};
