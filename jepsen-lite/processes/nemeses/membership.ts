import { EtcdError } from "../../../kvstore/client/mod.ts";
import { pick } from "../draw.ts";
import { type Applied, type Nemesis, type NemesisContext, needsOwned } from "../nemesis.ts";
import { Reconfiguration } from "../reconfigure.ts";

let grown = 0;

/** Each makes one change and says how it is taken back. */
const changes: Readonly<Record<string, (context: NemesisContext, change: Reconfiguration) => Promise<Applied>>> = {
  /** One more, a learner that becomes a voter; then it goes again. */
  async grow({ cluster }, change) {
    const place = await cluster.prepareMember(`g${++grown}`);
    await change.add(place, true);
    return {
      value: { target: "grow", members: [place.name] },
      async heal() {
        await change.remove(place.name);
        cluster.forget(place.name);
        return { effect: 2 };
      },
    };
  },
  /** A member goes, and its like comes with nothing on its disk. */
  async replace({ cluster, random, scene }, change) {
    const name = pick(scene().members, random);
    const asLearner = random.below(2) === 0;
    const { place } = cluster.own(name);
    await change.remove(name);
    await change.add(place, asLearner);
    return {
      value: { target: "replace", members: [name], as: asLearner ? "learner" : "voter" },
      heal: async () => ({ effect: 2 }),
    };
  },
  /** The leader is removed while it leads, and comes back later as somebody new. */
  async "remove leader"({ cluster, random, scene }, change) {
    const { leader, members } = scene();
    const name = leader ?? pick(members, random);
    const { place } = cluster.own(name);
    await change.remove(name);
    return {
      value: { target: "remove leader", members: [name] },
      async heal() {
        await change.add(place, false);
        return { effect: 2 };
      },
    };
  },
};

export const membership: Nemesis = {
  name: "membership",
  summary: "members are added as learners and promoted, removed (leaders too), and replaced by empty ones",
  async probe(context) {
    const why = await needsOwned(context);
    return why ?? (context.members < 3 ? "with fewer than three members there is nobody to spare" : undefined);
  },
  async apply(context) {
    const target = pick(Object.keys(changes), context.random);
    try {
      return await changes[target]!(context, new Reconfiguration(context));
    } catch (error) {
      // The store may refuse, with members missing; what was begun is then mended by the next change, or not needed.
      if (!(error instanceof EtcdError)) throw error;
      return { value: { target, refused: error.message }, heal: async () => ({ effect: 0 }) };
    }
  },
};
