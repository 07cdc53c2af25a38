import { crc32c } from "@node-rs/crc32";
import type { Backend } from "./backend.ts";
import type { Entry } from "./engine.ts";
import type { KeyIndex } from "./key-index.ts";
import { keyIn, recordAt } from "./record.ts";
import { parseRevisionKey, revisionKey } from "./revision.ts";
import type { SortedMap } from "./sorted-map.ts";

export interface HashOfRevision {
  readonly hash: number;
  readonly hashRevision: number;
  readonly compactRevision: number;
  readonly currentRevision: number;
}

/** CRC-32C of the bucket's name and of every kept version up to a revision, key and record, as etcd's HashKV computes it.
 * Of what is not after the compact revision, versions count that a read at `revision` sees, whether or not compaction has
 * come to the others. A negative revision has nothing before it. While it runs, nothing may be compacted. */
export async function hashKv(
  revision: number,
  compactRevision: number,
  currentRevision: number,
  index: SortedMap<KeyIndex>,
  backend: Backend,
): Promise<HashOfRevision> {
  // etcd leaves nothing out when a read would see nothing at all; what it then finds is what compaction had to keep.
  const seenAt = hasLiveKey(index, revision) ? revision : compactRevision;
  const isKept = ({ key, value }: Entry): boolean => {
    const { main, sub, tombstone } = parseRevisionKey(key);
    if (main > compactRevision) return true;
    if (tombstone) return false;
    const version = index.get(keyIn(recordAt(value, 0, value.length)))?.at(seenAt);
    return version?.main === main && version.sub === sub;
  };
  await backend.commit();
  let hash = crc32c("key");
  for await (const entries of backend.scanAll("key", "", revisionKey(Math.max(0, revision + 1), 0, false))) {
    const kept = entries.filter(isKept).flatMap(({ key, value }) => [key, value]);
    hash = crc32c(Buffer.concat(kept), hash);
  }
  return { hash, hashRevision: revision, compactRevision, currentRevision };
}

function hasLiveKey(index: SortedMap<KeyIndex>, revision: number): boolean {
  let found = false;
  index.visit("", undefined, (entry) => {
    const version = entry.at(revision);
    found = version !== undefined && !version.tombstone;
    return !found;
  });
  return found;
}
