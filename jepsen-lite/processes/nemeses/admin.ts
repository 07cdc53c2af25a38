import { EtcdError } from "../../../kvstore/client/mod.ts";
import { pick, shuffled } from "../draw.ts";
import type { Nemesis, NemesisContext } from "../nemesis.ts";

const patienceMs = 5000;

/** Each is asked of one member, and tells what it did. Rejects as the store does. */
const chores: Readonly<Record<string, (context: NemesisContext) => Promise<string>>> = {
  async compact(context) {
    const { client } = drawn(context);
    const { header } = await client.maintenance.status({ timeoutMs: patienceMs });
    const revision = Math.max(1, (header?.revision ?? 1) - context.random.below(20));
    await client.kv.compact({ revision, physical: context.random.below(2) === 0 }, { timeoutMs: patienceMs });
    return `to ${revision}`;
  },
  async defragment(context) {
    const names = shuffled(context.cluster.names, context.random).slice(0, 1 + context.random.below(3));
    for (const name of names) {
      const client = context.observer.clientOf(context.cluster.member(name));
      await client.maintenance.defragment({ timeoutMs: patienceMs });
    }
    return names.join(", ");
  },
  async snapshot(context) {
    const { client, name } = drawn(context);
    let bytes = 0;
    for await (const { blob } of client.maintenance.snapshot({ timeoutMs: patienceMs })) bytes += blob.length;
    return `${bytes} bytes of ${name}`;
  },
  async "transfer leadership"({ cluster, observer, random }) {
    const statuses = [...(await observer.statuses())];
    const leads = statuses.find(([, { leader, header }]) => leader !== 0n && leader === header?.memberId);
    const others = statuses.filter((one) => one !== leads && !one[1].isLearner);
    if (leads === undefined || others.length === 0) throw new EtcdError(14, "nobody leads, or nobody else could");
    const [to, status] = pick(others, random);
    const client = observer.clientOf(cluster.member(leads[0].name));
    await client.maintenance.moveLeader(status.header!.memberId, { timeoutMs: patienceMs });
    return `from ${leads[0].name} to ${to.name}`;
  },
};

export const admin: Nemesis = {
  name: "admin",
  summary: "compaction, defragmentation, snapshots and transfers of leadership, one after the other, under load",
  async probe() {
    return undefined;
  },
  async apply(context) {
    const done: string[] = [];
    const refused: string[] = [];
    for (const chore of shuffled(Object.keys(chores), context.random)) {
      if (chore === "compact" && !context.mayCompact) continue;
      try {
        done.push(`${chore} ${await chores[chore]!(context)}`);
      } catch (error) {
        // A compaction that came too late, a member that does not answer: the store may refuse.
        if (!(error instanceof EtcdError)) throw error;
        refused.push(`${chore}: ${error.message}`);
      }
    }
    return { value: { done, refused }, heal: async () => ({ effect: done.length }) };
  },
};

function drawn({ cluster, observer, random }: NemesisContext) {
  const name = pick(cluster.names, random);
  return { name, client: observer.clientOf(cluster.member(name)) };
}
