import { AuthService, type EtcdErrorName, type TxnRequest, type WatchCreateRequest } from "../../proto/mod.ts";
import {
  administrationDenial,
  type Caller,
  type Denial,
  leaseReadDenial,
  leaseWriteDenial,
  nobody,
  readDenial,
  tokenOf,
  txnDenial,
} from "../auth/mod.ts";
import { type Failure, fail } from "../mvcc/mod.ts";
import { attachedKeys } from "../server/attached-keys.ts";
import type { Member } from "../server/member.ts";
import { rpcError } from "./errors.ts";
import type { Call } from "./grpc/mod.ts";

/**
 * Who calls, and whether they may, wherever that is not asked when an entry is applied: reads, watches, what the leader knows of
 * leases, and what concerns the cluster as a whole. While auth is disabled each question costs one look at that.
 */
export class Access {
  readonly #member: Member;
  readonly #leases;

  constructor(member: Member) {
    this.#member = member;
    this.#leases = attachedKeys(() => member.state);
  }

  get enabled(): boolean {
    return this.#member.auth.enabled;
  }

  /** Who calls; undefined if nobody says so. What is proposed for them goes with it. Throws for a token that is not valid. */
  caller(call: Call): Caller | undefined {
    const caller = this.#member.auth.callerOf(call);
    if (caller === "InvalidAuthToken") throw rpcError(caller);
    return caller;
  }

  /** Throws unless the caller is somebody. */
  requireUser(call: Call): void {
    if (this.enabled && this.caller(call) === undefined) throw rpcError("UserEmpty");
  }

  /** Throws unless the caller is root. */
  requireRoot(call: Call): void {
    if (!this.enabled) return;
    const denied = administrationDenial(this.#member.auth.store, this.caller(call) ?? nobody);
    if (denied !== undefined) throw rpcError(denied);
  }

  /** Of reads that do not go through the log; to be asked in the turn of the event loop in which they read. */
  range(call: Call, key: Uint8Array, rangeEnd: Uint8Array): Failure<EtcdErrorName> | undefined {
    if (!this.enabled) return undefined;
    return this.#readFailure(call, (caller) => readDenial(this.#member.auth.store, caller, key, rangeEnd));
  }

  /** Of a transaction that only reads. */
  readTxn(call: Call, request: TxnRequest): Failure<EtcdErrorName> | undefined {
    if (!this.enabled) return undefined;
    return this.#readFailure(call, (caller) => txnDenial(this.#member.auth.store, caller, this.#leases, request));
  }

  /** Asked once, when the watch is created: rights that are revoked later do not end it. */
  watch(call: Call, { key, rangeEnd }: WatchCreateRequest): EtcdErrorName | undefined {
    if (!this.enabled) return undefined;
    const { auth } = this.#member;
    const caller = auth.callerOf(call);
    if (caller === "InvalidAuthToken") return caller;
    return readDenial(auth.store, caller ?? nobody, key.length === 0 ? leastKey : key, rangeEnd);
  }

  /** Of keeping a lease alive, and with it its keys, which takes the right to write them (since etcd 3.7). */
  renewal(call: Call, lease: bigint): Failure<EtcdErrorName> | undefined {
    if (!this.enabled) return undefined;
    const { auth } = this.#member;
    const caller = auth.callerOf(call);
    if (caller === "InvalidAuthToken") return fail(caller);
    const denied = caller === undefined ? "UserEmpty" : leaseWriteDenial(auth.store, caller, this.#leases, lease);
    return denied && fail(denied);
  }

  /** Whether the caller may know that these leases exist, which tells of keys. Throws if not. */
  readLeases(call: Call, leases: Iterable<bigint>): void {
    if (!this.enabled) return;
    this.requireUser(call);
    const caller = this.caller(call) ?? nobody;
    for (const lease of leases) {
      this.#refuse(leaseReadDenial(this.#member.auth.store, caller, this.#leases, lease));
    }
  }

  /** Whether the caller may be told these keys. Throws if not. */
  readKeys(call: Call, keys: Iterable<Uint8Array>): void {
    if (!this.enabled) return;
    const { store } = this.#member.auth;
    const caller = this.caller(call) ?? nobody;
    for (const key of keys) this.#refuse(readDenial(store, caller, key));
  }

  /** Index of the login that made the call's token, if it has not been applied here yet: this member does not know the token. */
  pendingLogin(call: Call): number | undefined {
    if (!this.enabled) return undefined;
    // Who logs in anew may still send the token of before.
    const token = call.method === AuthService.methods.authenticate ? undefined : tokenOf(call);
    const madeAt = token === undefined ? 0 : this.#member.auth.tokens.madeAt(token);
    return madeAt > this.#member.applied ? madeAt : undefined;
  }

  #readFailure(call: Call, check: (caller: Caller) => Denial | undefined): Failure<EtcdErrorName> | undefined {
    const { auth } = this.#member;
    const caller = auth.callerOf(call);
    if (caller === "InvalidAuthToken") return fail(caller);
    const denied = check(caller ?? nobody);
    if (denied !== undefined) return fail(denied);
    // A token may be of a later revision than this member has come to.
    const isStale = caller !== undefined && caller.authRevision !== auth.store.revision;
    return isStale ? fail("AuthOldRevision") : undefined;
  }

  #refuse(denied: Denial | undefined): void {
    if (denied !== undefined) throw rpcError(denied);
  }
}

const leastKey = Uint8Array.of(0);
