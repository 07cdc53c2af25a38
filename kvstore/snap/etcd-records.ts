import { fromUtf8 } from "../../base/mod.ts";

/** etcd's buckets, in the order in which a file of bbolt has them. Each is there, even when it is empty. */
export const etcdBuckets = [
  "alarm",
  "auth",
  "authRoles",
  "authUsers",
  "cluster",
  "key",
  "lease",
  "members",
  "members_removed",
  "meta",
] as const;

/** One record of the state, of a backend of ours or of a file of etcd's. */
export interface StateRecord {
  readonly bucket: (typeof etcdBuckets)[number];
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export type StateRuns = AsyncGenerator<readonly StateRecord[]>;

/** Records of the backend that repeat what others say, so that members are found without a scan; etcd does not have them. */
export const ownRecords = { memberIds: "memberIDs", removedIds: "removedIDs" } as const;
const ownNames: readonly string[] = Object.values(ownRecords);

/** The backend's records as etcd would have them: the same, without ours. */
export async function* asEtcd(runs: StateRuns): StateRuns {
  for await (const run of runs)
    yield run.filter((record) => record.bucket !== "cluster" || !ownNames.includes(fromUtf8(record.key)));
}
