import type { AlarmMember } from "../../proto/mod.ts";
import type { AuthAnswers } from "../auth/mod.ts";
import type {
  CompactionAnswer,
  DeleteRangeAnswer,
  HeaderAnswer,
  LeaseGrantAnswer,
  PutAnswer,
  TxnAnswer,
} from "../mvcc/mod.ts";

/** What applying a request gives. */
export interface Answers extends AuthAnswers {
  put: PutAnswer;
  deleteRange: DeleteRangeAnswer;
  txn: TxnAnswer;
  compaction: CompactionAnswer;
  leaseGrant: LeaseGrantAnswer;
  leaseRevoke: HeaderAnswer;
  leaseCheckpoint: HeaderAnswer;
  alarm: readonly AlarmMember[];
  clusterVersionSet: undefined;
  clusterMemberAttrSet: undefined;
  downgradeInfoSet: undefined;
}
