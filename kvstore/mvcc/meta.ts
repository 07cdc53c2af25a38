import type { Backend } from "./backend.ts";
import { fromByteString } from "./byte-string.ts";
import { parseRevisionKey, revisionKey } from "./revision.ts";

/** Compaction as it stands in the `meta` bucket, under etcd's names: scheduled before it begins, finished when it is
 * done. A restart in between does it again. */
export const scheduledKey = "scheduledCompactRev";
export const finishedKey = "finishedCompactRev";

export function readRevision(backend: Backend, key: typeof scheduledKey | typeof finishedKey): number | undefined {
  const bytes = backend.get("meta", key);
  return bytes && parseRevisionKey(bytes).main;
}

export function writeRevision(backend: Backend, key: typeof scheduledKey | typeof finishedKey, revision: number): void {
  backend.put("meta", key, fromByteString(revisionKey(revision, 0, false)));
}
