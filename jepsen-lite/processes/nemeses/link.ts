import type { Random } from "../../../base/mod.ts";
import { numberBetween, pick } from "../draw.ts";
import type { Nemesis } from "../nemesis.ts";
import type { Weather } from "../network/link.ts";
import { between } from "../network/shapes.ts";

/** TCP neither repeats nor reorders what it delivers: on real processes, only connections overtake one another. The simulation does the rest. */
const kinds: Readonly<Record<string, (random: Random) => Weather>> = {
  delay: (random) => ({ delayMs: numberBetween(10, 150, random), jitterMs: numberBetween(0, 100, random) }),
  loss: (random) => ({ lossPercent: numberBetween(2, 30, random) }),
  throttle: (random) => ({ bytesPerSecond: numberBetween(4_000, 60_000, random) }),
  reorder: (random) => ({ spreadMs: numberBetween(50, 400, random) }),
};

export const link: Nemesis = {
  name: "link",
  summary: "links are late, lossy, narrow, or let connections overtake each other: of one member, or of all",
  async probe({ owned }) {
    return owned ? undefined : "what members say to each other does not go through a network of ours";
  },
  async apply({ cluster, faults, random, scene }) {
    const kind = pick(Object.keys(kinds), random);
    const weather = kinds[kind]!(random);
    const { members, clients } = scene();
    const one = pick(members, random);
    const everybody = [...members, clients];
    const struck = random.below(3) === 0 ? everybody : [one];
    const pairs = between(...everybody.map((name) => [name])).filter(
      ([from, to]) => struck.includes(from) || struck.includes(to),
    );
    const before = cluster.network.counts;
    faults.weather(pairs, weather);
    return {
      value: { target: `${kind} at ${struck.length === 1 ? one : "all"}`, ...weather },
      async heal() {
        await faults.heal();
        return { effect: cluster.network.counts.late - before.late };
      },
    };
  },
};
