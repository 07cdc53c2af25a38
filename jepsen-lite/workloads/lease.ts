import { EtcdError } from "../../kvstore/client/mod.ts";
import { leaseBounds } from "../checkers/mod.ts";
import { bytes, perform } from "./perform.ts";
import type { Workload, WorkloadClient, WorkloadContext, WorkloadDefinition } from "./workload.ts";

const shortestTtl = 2;

/** Each client has a lease with a key on it, renews it for a while, and looks whether it is still there. */
export const lease: WorkloadDefinition = {
  name: "lease",
  summary: "grant leases, keep them alive, look at them and let them run out",
  start,
  judge: (history, { leaseEarlyMs }) => [leaseBounds(history, { earlyNs: Number(leaseEarlyMs ?? 0) * 1e6 })],
};

function start(context: WorkloadContext): Workload {
  const current = new Map<number, { readonly id: bigint; readonly ttl: number }>();

  async function grant(client: WorkloadClient): Promise<void> {
    // Chosen here, so that it has a name whatever becomes of the answer.
    const id = BigInt(context.unique() + 1000);
    const ttl = client.chance.between(shortestTtl, 6);
    await perform(context, client, "lease-grant", { id: String(id), ttl }, true, async () => {
      const granted = await client.etcd.lease.grant(ttl, id);
      current.set(client.number, { id, ttl: granted.ttl });
      return { id: String(id), ttl: granted.ttl };
    });
    if (current.get(client.number)?.id !== id) return;
    try {
      await client.etcd.kv.put({ key: bytes(`l${id}`), value: bytes("held"), lease: id });
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
    }
  }

  async function keepAlive(client: WorkloadClient, id: bigint, granted: number): Promise<void> {
    const done = context.recorder.invoke(client.number, "lease-keepalive", { id: String(id), ttl: granted });
    try {
      const { ttl } = await client.etcd.lease.keepAliveOnce(id, { timeoutMs: 3000 });
      done("ok", { id: String(id), ttl });
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      if (error.etcdCode === "LeaseNotFound") {
        done("ok", { id: String(id), ttl: 0 });
        current.delete(client.number);
      } else done("info", undefined, { class: String(error.code), text: error.message });
    }
  }

  async function check(client: WorkloadClient, id: bigint): Promise<void> {
    await perform(context, client, "lease-check", { id: String(id) }, false, async () => {
      // What is left is told in whole seconds, so that only what was granted tells a lease from none.
      const { grantedTTL } = await client.etcd.lease.timeToLive(id);
      if (grantedTTL === 0) current.delete(client.number);
      return { id: String(id), alive: grantedTTL > 0 };
    });
  }

  return {
    async step(client) {
      const held = current.get(client.number);
      if (held === undefined) return grant(client);
      const die = client.chance.below(10);
      if (die < 5) return check(client, held.id);
      if (die < 9) return keepAlive(client, held.id, held.ttl);
      current.delete(client.number); // from here on it runs out by itself
    },
  };
}
