import { pause } from "../../base/mod.ts";
import { EtcdError } from "../../kvstore/client/mod.ts";
import { CompareResult, CompareTarget, type KeyValue } from "../../proto/mod.ts";
import { bytes, reading } from "./perform.ts";
import { keysOf, prefixed } from "./store-operations.ts";
import type { WorkloadClient } from "./workload.ts";

/** Seconds. */
export const candidacyTtl = 2;

/** A key of one's own under a prefix, bound to a lease. Whose was created first has what all are after: a lock, the lead. */
export interface Candidacy {
  readonly lease: bigint;
  readonly key: string;
  /** Revision at which the key was created: greater than that of all who came before. */
  readonly token: number;
}

/** etcd's recipe (etcd-io/etcd: client/v3/concurrency). Comes first, or gives up: undefined. */
export async function comeFirst(
  client: WorkloadClient,
  prefix: string,
  lease: bigint,
  value: string,
  longestMs: number,
): Promise<Candidacy | undefined> {
  const { clock, etcd } = client;
  const key = `${prefix}${lease}`;
  await reading(etcd.lease.grant(candidacyTtl, lease));
  const { header, succeeded } = await etcd.kv.txn({
    compare: [{ key: bytes(key), target: CompareTarget.CREATE, result: CompareResult.EQUAL, createRevision: 0 }],
    success: [{ requestPut: { key: bytes(key), value: bytes(value), lease } }],
  });
  if (!succeeded || header === undefined) return undefined;
  const own = { lease, key, token: header.revision };
  const endMs = clock.monotonic() + longestMs;
  for (;;) {
    const before = await reading(firstOf(client, prefix));
    if (before?.createRevision === own.token) return own;
    if (clock.monotonic() >= endMs) break;
    await keepAlive(client, own);
    await pause(clock, 100);
  }
  await resign(client, own);
  return undefined;
}

/** Of all keys under the prefix the one that was created first. */
export async function firstOf({ etcd }: WorkloadClient, prefix: string): Promise<KeyValue | undefined> {
  const { kvs } = await etcd.kv.range(keysOf(prefixed(prefix)));
  return kvs.reduce<KeyValue | undefined>(
    (first, kv) => (first === undefined || kv.createRevision < first.createRevision ? kv : first),
    undefined,
  );
}

/** What holds for as long as it is still there, and with it all that coming first means: the fence around what it guards. */
export function isStillThere({ key, token }: Candidacy) {
  return { key: bytes(key), target: CompareTarget.CREATE, result: CompareResult.EQUAL, createRevision: token };
}

/** Renews the lease, if that can be done: who does not hear of it may lose it. */
export function keepAlive(client: WorkloadClient, { lease }: Candidacy): Promise<void> {
  return ifPossible(client.etcd.lease.keepAliveOnce(lease, { timeoutMs: 1000 }));
}

export function resign(client: WorkloadClient, { lease }: Candidacy): Promise<void> {
  return ifPossible(client.etcd.lease.revoke(lease));
}

async function ifPossible(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
  }
}
