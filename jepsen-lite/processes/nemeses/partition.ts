import { pick } from "../draw.ts";
import { sleep } from "../machine-clock.ts";
import type { Nemesis } from "../nemesis.ts";
import { shapeNames, shapes } from "../network/shapes.ts";

const flapMs = 150;

export const partition: Nemesis = {
  name: "partition",
  summary: `the network is cut: ${shapeNames.join(", ")}; stalled or reset; now and then flapping`,
  async probe({ owned, members }) {
    if (!owned) return "what members say to each other does not go through a network of ours";
    return members < 2 ? "there is nobody to be cut off" : undefined;
  },
  async apply({ cluster, faults, random, scene, holdMs }) {
    const shape = pick(shapeNames, random);
    const how = random.below(4) === 0 ? "reset" : "stall";
    const cuts = shapes[shape](scene(), random);
    if (cuts.length === 0) return undefined;
    const before = cluster.network.counts;
    const flaps = random.below(5) === 0 && holdMs > 4 * flapMs;
    faults.cut(cuts, how);
    let over = false;
    const flapping = (async () => {
      for (let cut = true; flaps && !over; cut = !cut) {
        await sleep(flapMs);
        if (over) return;
        if (cut) await faults.heal();
        else faults.cut(cuts, how);
      }
    })();
    return {
      value: { target: flaps ? `${shape}, flapping` : shape, how, cuts: cuts.map(([from, to]) => `${from}>${to}`) },
      async heal() {
        over = true;
        await flapping;
        await faults.heal();
        const { held, broken } = cluster.network.counts;
        return { effect: held - before.held + (broken - before.broken) };
      },
    };
  },
};
