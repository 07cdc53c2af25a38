import { pause } from "../../base/mod.ts";
import { EtcdError } from "../../kvstore/client/mod.ts";
import { leaseBounds } from "../checkers/mod.ts";
import { classOf, performRead, performWrite } from "./perform.ts";
import { wholeStoreIfSmall } from "./small-store.ts";
import { prefixed, StoreOperations } from "./store-operations.ts";
import type { Workload, WorkloadClient, WorkloadConfig, WorkloadContext, WorkloadDefinition } from "./workload.ts";

const shortestTtl = 2;
/** What a member may take to notice that a lease is over, and to have that agreed on, where nothing breaks. */
const settlingSeconds = 8;
const keys = prefixed("l/");

interface Held {
  readonly id: bigint;
  /** As it was granted, in seconds. */
  readonly ttl: number;
}

/**
 * Each client has a lease with keys on it, renews it for a while, looks whether it is still there, hangs keys on it and takes them off, and in the end
 * revokes it or lets it run out.
 */
export const lease: WorkloadDefinition = {
  name: "lease",
  summary: "grant leases, keep them alive, look at them, hang keys on them, revoke them or let them run out",
  start,
  judge: (history, config) => [leaseBounds(history, boundsOf(config)), ...wholeStoreIfSmall(history)],
};

function boundsOf({ leaseEarlyMs, leaseLateMs }: WorkloadConfig) {
  const earlyNs = Number(leaseEarlyMs ?? 0) * 1e6;
  return leaseLateMs === undefined ? { earlyNs } : { earlyNs, lateNs: Number(leaseLateMs) * 1e6 };
}

function start(context: WorkloadContext): Workload {
  const operations = new StoreOperations(context);
  const current = new Map<number, Held>();

  async function grant(client: WorkloadClient): Promise<void> {
    // Chosen here, so that it has a name whatever becomes of the answer.
    const id = BigInt(context.unique() + 1000);
    const ttl = client.chance.between(shortestTtl, 6);
    const granted = await performWrite(context, client, "lease-grant", { id: String(id), ttl }, async () => {
      return { id: String(id), ttl: (await client.etcd.lease.grant(ttl, id)).ttl };
    });
    if (granted === undefined) return;
    current.set(client.number, { id, ttl: granted.ttl });
    await operations.put(client, `l/${id}`, "held", id);
  }

  async function keepAlive(client: WorkloadClient, { id, ttl: granted }: Held): Promise<void> {
    const done = context.recorder.invoke(client.number, "lease-keepalive", { id: String(id), ttl: granted });
    try {
      const { ttl } = await client.etcd.lease.keepAliveOnce(id, { timeoutMs: 3000 });
      done("ok", { id: String(id), ttl });
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      if (error.etcdCode === "LeaseNotFound") {
        done("ok", { id: String(id), ttl: 0 });
        current.delete(client.number);
      } else done("info", undefined, classOf(error));
    }
  }

  async function check(client: WorkloadClient, { id }: Held): Promise<void> {
    await performRead(context, client, "lease-check", { id: String(id) }, async () => {
      // What is left is told in whole seconds, so that only what was granted tells a lease from none.
      const { grantedTTL } = await client.etcd.lease.timeToLive(id);
      if (grantedTTL === 0) current.delete(client.number);
      return { id: String(id), alive: grantedTTL > 0 };
    });
  }

  async function revoke(client: WorkloadClient, { id }: Held): Promise<void> {
    current.delete(client.number);
    await performWrite(context, client, "lease-revoke", { id: String(id) }, async () => {
      await client.etcd.lease.revoke(id);
      return { id: String(id) };
    });
  }

  return {
    async step(client) {
      const held = current.get(client.number);
      if (held === undefined) return grant(client);
      const die = client.chance.below(100);
      // A key that all have in common: it hangs on the lease of whoever wrote it last, or on none.
      if (die < 10) await operations.put(client, "l/common", `v${context.unique()}`, held.id);
      else if (die < 15) await operations.put(client, "l/common", `v${context.unique()}`);
      else if (die < 30) await operations.range(client, keys);
      else if (die < 55) await check(client, held);
      else if (die < 88) await keepAlive(client, held);
      else if (die < 94) await revoke(client, held);
      else current.delete(client.number); // from here on it runs out by itself
    },
    async finish(client) {
      const held = current.get(client.number);
      if (context.isVirtual && held !== undefined) {
        // Nobody renews it any more, and nobody is elected any more, who would give it its whole time again.
        await pause(client.clock, (held.ttl + settlingSeconds) * 1000);
        await check(client, held);
      }
      await operations.range(client, keys);
    },
  };
}
