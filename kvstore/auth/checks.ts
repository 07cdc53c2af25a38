import type { DeleteRangeRequest, InternalRaftRequest, PutRequest, RequestOp, TxnRequest } from "../../proto/mod.ts";
import type { Caller } from "./caller.ts";
import { keyInterval } from "./permissions.ts";
import type { AuthStore, Rights } from "./store.ts";

// Who may do what while auth is enabled (etcd's server/etcdserver/apply/auth.go). Each check gives why not, or undefined.

export type Denial = "UserEmpty" | "UserNotFound" | "PermissionDenied" | "AuthOldRevision";

/** Keys attached to a lease: whoever acts on the lease acts on them. */
export interface AttachedKeys {
  /** None for a lease that does not exist. */
  keysOf(lease: bigint): Iterable<Uint8Array>;
}

const oneKey = new Uint8Array(0);

/** For what only root may do. Does not mind an old revision: who is root now, may. */
export function administrationDenial(store: AuthStore, { username }: Caller): Denial | undefined {
  if (username === "") return "UserEmpty";
  const rights = store.rightsOf(username);
  if (rights === undefined) return "UserNotFound";
  return rights.isRoot ? undefined : "PermissionDenied";
}

export function readDenial(
  store: AuthStore,
  caller: Caller,
  key: Uint8Array,
  rangeEnd: Uint8Array = oneKey,
): Denial | undefined {
  return denial(store, caller, key, rangeEnd, "readable");
}

export function writeDenial(
  store: AuthStore,
  caller: Caller,
  key: Uint8Array,
  rangeEnd: Uint8Array = oneKey,
): Denial | undefined {
  return denial(store, caller, key, rangeEnd, "writable");
}

/** Also for leases: who must not write a key of a lease, must not revoke it, renew it, or attach more keys to it. */
export function leaseWriteDenial(
  store: AuthStore,
  caller: Caller,
  leases: AttachedKeys,
  lease: bigint,
): Denial | undefined {
  if (lease === 0n || administrationDenial(store, caller) === undefined) return undefined;
  return firstDenial(leases.keysOf(lease), (key) => writeDenial(store, caller, key));
}

/** To be told a lease's keys takes the right to read all of them. */
export function leaseReadDenial(
  store: AuthStore,
  caller: Caller,
  leases: AttachedKeys,
  lease: bigint,
): Denial | undefined {
  if (administrationDenial(store, caller) === undefined) return undefined;
  return firstDenial(leases.keysOf(lease), (key) => readDenial(store, caller, key));
}

function putDenial(
  store: AuthStore,
  caller: Caller,
  leases: AttachedKeys,
  { key, lease, prevKv }: PutRequest,
): Denial | undefined {
  return (
    writeDenial(store, caller, key) ??
    leaseWriteDenial(store, caller, leases, lease) ??
    (prevKv ? readDenial(store, caller, key) : undefined)
  );
}

function deleteRangeDenial(
  store: AuthStore,
  caller: Caller,
  { key, rangeEnd, prevKv }: DeleteRangeRequest,
): Denial | undefined {
  const denied = writeDenial(store, caller, key, rangeEnd);
  return denied ?? (prevKv ? readDenial(store, caller, key, rangeEnd) : undefined);
}

/** All that a transaction might do, whichever branches it takes. */
export function txnDenial(
  store: AuthStore,
  caller: Caller,
  leases: AttachedKeys,
  { compare, success, failure }: TxnRequest,
): Denial | undefined {
  const ofOp = ({ requestRange, requestPut, requestDeleteRange, requestTxn }: RequestOp): Denial | undefined => {
    if (requestRange !== undefined) return readDenial(store, caller, requestRange.key, requestRange.rangeEnd);
    if (requestPut !== undefined) return putDenial(store, caller, leases, requestPut);
    if (requestDeleteRange !== undefined) return deleteRangeDenial(store, caller, requestDeleteRange);
    return requestTxn === undefined ? undefined : txnDenial(store, caller, leases, requestTxn);
  };
  return (
    firstDenial(compare, ({ key, rangeEnd }) => readDenial(store, caller, key, rangeEnd)) ??
    firstDenial(success, ofOp) ??
    firstDenial(failure, ofOp)
  );
}

/** Whether an entry of the log may be applied, as far as keys and leases go. */
export function entryDenial(
  store: AuthStore,
  caller: Caller,
  leases: AttachedKeys,
  request: InternalRaftRequest,
): Denial | undefined {
  if (request.put !== undefined) return putDenial(store, caller, leases, request.put);
  if (request.txn !== undefined) return txnDenial(store, caller, leases, request.txn);
  if (request.deleteRange !== undefined) return deleteRangeDenial(store, caller, request.deleteRange);
  if (request.leaseRevoke !== undefined) return leaseWriteDenial(store, caller, leases, request.leaseRevoke.id);
  return undefined;
}

function denial(
  store: AuthStore,
  { username, authRevision }: Caller,
  key: Uint8Array,
  rangeEnd: Uint8Array,
  keys: Exclude<keyof Rights, "isRoot">,
): Denial | undefined {
  if (authRevision === 0) return "UserEmpty";
  if (authRevision < store.revision) return "AuthOldRevision";
  const rights = store.rightsOf(username);
  if (rights === undefined) return "PermissionDenied";
  return rights.isRoot || rights[keys].covers(keyInterval(key, rangeEnd)) ? undefined : "PermissionDenied";
}

function firstDenial<T>(items: Iterable<T>, check: (item: T) => Denial | undefined): Denial | undefined {
  for (const item of items) {
    const denied = check(item);
    if (denied !== undefined) return denied;
  }
  return undefined;
}
