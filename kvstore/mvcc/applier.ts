import type {
  CompactionRequest,
  DeleteRangeRequest,
  LeaseCheckpointRequest,
  LeaseGrantRequest,
  LeaseRevokeRequest,
  PutRequest,
  RangeRequest,
  TxnRequest,
} from "../../proto/mod.ts";
import type { Lessor } from "../lease/mod.ts";
import type { DeleteRangeAnswer, HeaderAnswer, LeaseGrantAnswer, PutAnswer, TxnAnswer } from "./answers.ts";
import { deleteRange } from "./delete-range.ts";
import { type Failure, isFailure } from "./failure.ts";
import { singleKey } from "./key-range.ts";
import { checkPut, put } from "./put.ts";
import { type RangeAnswer, range } from "./range.ts";
import type { Store } from "./store.ts";
import { type TxnFailure, txn } from "./txn.ts";

export interface CompactionAnswer extends HeaderAnswer {
  /** Resolves when what was given up is gone from the disk. Rejects only when the member has to stop anyway. */
  readonly physical: Promise<void>;
}

/** The state machine's door: what one request of the log does to the state. Every method is synchronous and depends on
 * nothing but the state and the request, so that all members come to the same. Requests passed `check…Request` before
 * they were proposed. After each entry, whatever came of it, the caller calls `store.setApplied` in the same turn. */
export class Applier {
  readonly #store: Store;
  readonly #lessor: Lessor;

  constructor(store: Store, lessor: Lessor) {
    this.#store = store;
    this.#lessor = lessor;
  }

  /** Also for reads that do not go through the log. */
  range(request: RangeRequest): RangeAnswer | Failure<"Compacted" | "FutureRev"> {
    return range(this.#store, request);
  }

  put(request: PutRequest): PutAnswer | Failure<"LeaseNotFound" | "KeyNotFound"> {
    return checkPut(this.#store, this.#lessor, request) ?? this.#store.write((view) => put(view, request));
  }

  deleteRange(request: DeleteRangeRequest): DeleteRangeAnswer {
    return this.#store.write((view) => deleteRange(view, request));
  }

  /** Also for read-only transactions (`isReadonly`) that do not go through the log. */
  txn(request: TxnRequest): TxnAnswer | TxnFailure {
    return txn(request, this.#store, this.#lessor, (run) => this.#store.write(run));
  }

  compact({ revision }: CompactionRequest): CompactionAnswer | Failure<"Compacted" | "FutureRev"> {
    const compaction = this.#store.compact(revision);
    return isFailure(compaction) ? compaction : { ...this.#header(), physical: compaction.physical };
  }

  /** The id is not 0: whoever proposes draws one. */
  leaseGrant({
    id,
    ttl,
  }: LeaseGrantRequest): LeaseGrantAnswer | Failure<"LeaseNotFound" | "LeaseExist" | "LeaseTTLTooLarge"> {
    const granted = this.#lessor.grant(id, ttl);
    return isFailure(granted) ? granted : { ...this.#header(), id, ttl: granted.ttl };
  }

  /** Deletes the lease's keys, all in one revision. */
  leaseRevoke({ id }: LeaseRevokeRequest): HeaderAnswer | Failure<"LeaseNotFound"> {
    const keys = this.#lessor.keysOf(id);
    if (isFailure(keys)) return keys;
    this.#store.write((view) => {
      for (const key of keys) view.deleteRange(singleKey(key));
    });
    this.#lessor.remove(id);
    return this.#header();
  }

  leaseCheckpoint({ checkpoints }: LeaseCheckpointRequest): HeaderAnswer {
    for (const { id, remainingTTL } of checkpoints) this.#lessor.checkpoint(id, remainingTTL);
    return this.#header();
  }

  #header(): HeaderAnswer {
    return { header: { revision: this.#store.revision } };
  }
}
