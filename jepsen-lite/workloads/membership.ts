import type { Member } from "../../proto/mod.ts";
import { membershipAgreement } from "../checkers/mod.ts";
import type { Json } from "../history/mod.ts";
import { performRead } from "./perform.ts";
import type { Workload, WorkloadClient, WorkloadContext, WorkloadDefinition } from "./workload.ts";

/** Everybody asks who the members are, while others change them. In the end all members say the same. */
export const membership: WorkloadDefinition = {
  name: "membership",
  summary: "ask members who the members are: in the end all say the same",
  start,
  judge: (history) => [membershipAgreement(history, {})],
};

function start(context: WorkloadContext): Workload {
  /** At an endpoint: what the member there knows in the end. */
  async function ask(client: WorkloadClient, linearizable: boolean, endpoint?: string): Promise<readonly Member[]> {
    let found: readonly Member[] = [];
    const isFinal = endpoint !== undefined;
    const asked: Json = isFinal ? { linearizable, final: true } : { linearizable };
    await performRead(context, client, "members", asked, async () => {
      const where = isFinal ? { endpoint } : {};
      const { header, members } = await client.etcd.cluster.memberList({ linearizable }, where);
      found = members;
      return { member: String(header?.memberId), members: members.map(describe) };
    });
    return found;
  }

  return {
    async step(client) {
      await ask(client, client.chance.percent(50));
    },
    async finish(client) {
      const members = await ask(client, true);
      for (const { clientURLs } of members) if (clientURLs[0] !== undefined) await ask(client, false, clientURLs[0]);
    },
  };
}

function describe({ id, name, peerURLs, isLearner }: Member) {
  return { id: String(id), name, peerURLs, isLearner };
}
