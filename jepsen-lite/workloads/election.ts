import { pause } from "../../base/mod.ts";
import { elections } from "../checkers/mod.ts";
import { type Candidacy, candidacyTtl, comeFirst, firstOf, isStillThere, keepAlive, resign } from "./candidacy.ts";
import { bytes, nothing, performRead, performWrite, text } from "./perform.ts";
import type { Workload, WorkloadClient, WorkloadContext, WorkloadDefinition } from "./workload.ts";

const prefix = "election/";

/** Clients campaign, proclaim values while they lead, resign, or stand still until they are none any more; everybody looks at who leads. */
export const election: WorkloadDefinition = {
  name: "election",
  summary: "campaign, proclaim as the leader, resign; watch who leads: no leader's word after its successor's",
  start,
  judge: (history) => [elections(history, {})],
};

function start(context: WorkloadContext): Workload {
  const leading = new Map<number, Candidacy>();

  async function campaign(client: WorkloadClient): Promise<void> {
    const value = context.unique();
    await performWrite(context, client, "campaign", { value }, async () => {
      const won = await comeFirst(client, prefix, BigInt(value + 1000), String(value), 3000);
      if (won === undefined) return nothing;
      leading.set(client.number, won);
      return { token: won.token, value };
    });
  }

  async function proclaim(client: WorkloadClient, own: Candidacy): Promise<void> {
    const value = context.unique();
    const asked = { token: own.token, value };
    const did = await performWrite(context, client, "proclaim", asked, async () => {
      const put = { key: bytes(own.key), value: bytes(String(value)), lease: own.lease };
      const { succeeded } = await client.etcd.kv.txn({ compare: [isStillThere(own)], success: [{ requestPut: put }] });
      return succeeded ? asked : nothing;
    });
    if (did === undefined) leading.delete(client.number);
  }

  async function observe(client: WorkloadClient): Promise<void> {
    await performRead(context, client, "observe", null, async () => {
      const first = await firstOf(client, prefix);
      return first === undefined ? null : { token: first.createRevision, value: Number(text(first.value)) };
    });
  }

  return {
    async step(client) {
      const own = leading.get(client.number);
      const die = client.chance.below(100);
      if (die < 30) await observe(client);
      else if (own === undefined) await campaign(client);
      else if (die < 75) {
        await keepAlive(client, own);
        await proclaim(client, own);
      } else if (die < 82) await pause(client.clock, candidacyTtl * client.chance.between(500, 3000));
      else {
        leading.delete(client.number);
        await resign(client, own);
      }
    },
    finish: observe,
  };
}
