import { pick } from "../draw.ts";
import { type Nemesis, needsOwned } from "../nemesis.ts";
import { targetNames, targets } from "../targets.ts";

export const kill: Nemesis = {
  name: "kill",
  summary: "SIGKILL to one, a minority, a majority, all, or the leader; then they start again",
  probe: needsOwned,
  async apply({ faults, random, scene }) {
    const target = pick(targetNames, random);
    const names = targets[target](scene(), random);
    if (names.length === 0) return undefined;
    const effect = await faults.kill(...names);
    return {
      value: { target, members: names },
      async heal() {
        faults.start(...names);
        return { effect };
      },
    };
  },
};
