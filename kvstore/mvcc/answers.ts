import type { Encoded, KeyValue } from "../../proto/mod.ts";
import type { RangeAnswer } from "./range.ts";

// Answers of the state machine: the shapes of etcd's responses, ready to be encoded, with the pairs in them encoded
// already. Headers carry the revision alone; who the member is and what term it is in, the server knows.

export interface AnswerHeader {
  readonly revision: number;
}

/** Of a compaction, a revocation, a checkpoint. */
export interface HeaderAnswer {
  readonly header: AnswerHeader;
}

export interface PutAnswer extends HeaderAnswer {
  /** Only when asked for, and the key was there. */
  readonly prevKv: Encoded<KeyValue> | undefined;
}

export interface DeleteRangeAnswer extends HeaderAnswer {
  readonly deleted: number;
  readonly prevKvs: readonly Encoded<KeyValue>[];
}

export interface TxnAnswer {
  /** Empty in a nested transaction. */
  readonly header: AnswerHeader | Record<string, never>;
  readonly succeeded: boolean;
  /** One per operation of the branch taken, in order. */
  readonly responses: readonly TxnOpAnswer[];
}

export type TxnOpAnswer =
  | { readonly responseRange: RangeAnswer }
  | { readonly responsePut: PutAnswer }
  | { readonly responseDeleteRange: DeleteRangeAnswer }
  | { readonly responseTxn: TxnAnswer };

export interface LeaseGrantAnswer extends HeaderAnswer {
  readonly id: bigint;
  /** Seconds; at least the lessor's minimum. */
  readonly ttl: number;
}
