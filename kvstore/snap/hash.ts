import { crc32c } from "@node-rs/crc32";
import { fromUtf8 } from "../../base/mod.ts";
import { asEtcd, etcdBuckets, type StateRuns } from "./etcd-records.ts";

/** Said by each member for itself, so not equal everywhere at every moment. */
const notHashed: readonly string[] = ["consistent_index", "term", "storageVersion"];

/** CRC-32C over all buckets, name and records, as etcd's Hash computes it (server/storage/backend, `Hash`): equal on members that have
 * applied the same entries and compacted the same. */
export async function hashOfState(records: StateRuns): Promise<number> {
  let hash = 0;
  let named = 0;
  const nameUpTo = (bucket: number) => {
    while (named <= bucket) hash = crc32c(etcdBuckets[named++] as string, hash);
  };
  for await (const run of asEtcd(records)) {
    let parts: Uint8Array[] = [];
    for (const { bucket, key, value } of run) {
      const position = etcdBuckets.indexOf(bucket);
      if (position >= named) {
        hash = crc32c(Buffer.concat(parts), hash);
        parts = [];
        nameUpTo(position);
      }
      if (bucket !== "meta" || !notHashed.includes(fromUtf8(key))) parts.push(key, value);
    }
    hash = crc32c(Buffer.concat(parts), hash);
  }
  nameUpTo(etcdBuckets.length - 1);
  return hash;
}
