import { concatBytes, toUtf8 } from "../../base/mod.ts";
import {
  type Compare,
  CompareResult,
  CompareTarget,
  type Init,
  type RangeRequest,
  SortOrder,
  SortTarget,
} from "../../proto/mod.ts";
import type { OwnCalls } from "./own-calls.ts";

// The recipe of locks and elections (etcd's client, `concurrency`): whoever wants something puts a key of its own, named after its
// lease, under a common prefix. The oldest key has it; the others wait until all older ones are deleted.

const serverLeaseTtl = 60;

/** The caller's lease, or one of the server's, which nobody keeps alive. */
export async function leaseOf(calls: OwnCalls, lease: bigint): Promise<bigint> {
  return lease !== 0n ? lease : (await calls.leaseGrant({ ttl: serverLeaseTtl })).id;
}

export function prefixOf(name: Uint8Array): Uint8Array {
  return concatBytes([name, toUtf8("/")]);
}

export function keyOf(prefix: Uint8Array, lease: bigint): Uint8Array {
  return concatBytes([prefix, toUtf8(lease.toString(16))]);
}

/** Holds if the key was created at this revision; 0: if it does not exist. */
export function createdAt(key: Uint8Array, createRevision: number): Init<Compare> {
  return { result: CompareResult.EQUAL, target: CompareTarget.CREATE, key, createRevision };
}

/** The key under the prefix that was created first. */
export function firstUnder(prefix: Uint8Array): Init<RangeRequest> {
  return { ...under(prefix), sortOrder: SortOrder.ASCEND };
}

/** Resolves when no key under the prefix is left that was created up to `createRevision`. */
export async function olderGone(calls: OwnCalls, prefix: Uint8Array, createRevision: number): Promise<void> {
  for (;;) {
    const last = { ...under(prefix), sortOrder: SortOrder.DESCEND, maxCreateRevision: createRevision };
    const { kvs, header } = await calls.range(last);
    const [older] = kvs;
    if (older === undefined) return;
    await calls.deletion(older.key, header!.revision);
  }
}

function under(prefix: Uint8Array) {
  return { key: prefix, rangeEnd: afterPrefix(prefix), limit: 1, sortTarget: SortTarget.CREATE };
}

/** The least key behind all keys with the prefix, which ends with a slash. */
export function afterPrefix(prefix: Uint8Array): Uint8Array {
  const end = prefix.slice();
  end[end.length - 1] = (end.at(-1) as number) + 1;
  return end;
}
