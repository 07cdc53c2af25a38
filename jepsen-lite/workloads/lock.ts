import { pause } from "../../base/mod.ts";
import { locks } from "../checkers/mod.ts";
import { type Candidacy, candidacyTtl, comeFirst, isStillThere, keepAlive, resign } from "./candidacy.ts";
import { bytes, nothing, performWrite } from "./perform.ts";
import type { Workload, WorkloadClient, WorkloadContext, WorkloadDefinition } from "./workload.ts";

const name = "lock";

/**
 * Locks bound to leases, and work under them. Now and then a holder stands still for longer than its lease lasts, as any process may, and goes on as if nothing
 * had been: what the lock guards refuses it, since its key is not there any more.
 */
export const lock: WorkloadDefinition = {
  name: "lock",
  summary: "work under locks whose holders may lose them, fenced by the revision of the lock's key",
  start: (context) => start(context, true),
  judge: (history) => [locks(history, { promise: "fenced" })],
};

/** The same without the fence, and taken at its word: that nobody works while somebody else holds the lock. Nothing that rests on leases can promise it. */
export const unfencedLock: WorkloadDefinition = {
  name: "unfenced-lock",
  summary: "work under locks whose holders may lose them, and nothing that notices: must be found invalid",
  isImpossible: true,
  start: (context) => start(context, false),
  judge: (history) => [locks(history, { promise: "exclusive" })],
};

function start(context: WorkloadContext, isFenced: boolean): Workload {
  const held = new Map<number, Candidacy>();

  async function acquire(client: WorkloadClient): Promise<void> {
    const lease = BigInt(context.unique() + 1000);
    await performWrite(context, client, "acquire", { lock: name }, async () => {
      const won = await comeFirst(client, "lock/", lease, `client ${client.number}`, 3000);
      if (won === undefined) return nothing;
      held.set(client.number, won);
      return { lock: name, token: won.token };
    });
  }

  async function work(client: WorkloadClient, own: Candidacy): Promise<void> {
    const asked = { lock: name, token: own.token };
    const did = await performWrite(context, client, "guarded", asked, async () => {
      const put = { requestPut: { key: bytes("guarded"), value: bytes(String(own.token)) } };
      const { succeeded } = await client.etcd.kv.txn({ compare: isFenced ? [isStillThere(own)] : [], success: [put] });
      return succeeded ? asked : nothing;
    });
    if (did === undefined) held.delete(client.number);
  }

  async function release(client: WorkloadClient, own: Candidacy): Promise<void> {
    held.delete(client.number);
    await performWrite(context, client, "release", { lock: name }, async () => {
      await resign(client, own);
      return { lock: name };
    });
  }

  return {
    async step(client) {
      const own = held.get(client.number);
      if (own === undefined) return acquire(client);
      const die = client.chance.below(100);
      if (die < 65) {
        await keepAlive(client, own);
        await work(client, own);
      } else if (die < 75) await pause(client.clock, candidacyTtl * client.chance.between(500, 3000));
      else await release(client, own);
    },
    async finish(client) {
      const own = held.get(client.number);
      if (own !== undefined) await release(client, own);
    },
  };
}
