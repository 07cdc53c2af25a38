import { crc32c } from "@node-rs/crc32";
import { Failure, toUtf8 } from "../../base/mod.ts";
import type { Bucket } from "../bbolt/mod.ts";
import { parseRevisionKey, toByteString } from "../mvcc/mod.ts";
import { keyOf } from "./key-of.ts";
import { SnapshotFile } from "./snapshot-file.ts";

export interface FileHash {
  readonly hash: number;
  readonly hashRevision: number;
  /** -1 if nothing was compacted. */
  readonly compactRevision: number;
}

/** HashKV of a file, as a member would answer it: `revision` 0 is the newest. Keeps all keys in memory, and no values. */
export async function hashKvOfFile(path: string, revision: number): Promise<FileHash> {
  const file = await SnapshotFile.open(path);
  try {
    const { root } = file.database;
    const keys = await root.bucket(toUtf8("key"));
    const compactRevision = await compactRevisionOf(await root.bucket(toUtf8("meta")));
    const current = Math.max(1, compactRevision, (await lastRevision(keys)) ?? 0);
    if (revision > current) throw refused("required revision is a future revision");
    if (revision > 0 && revision < compactRevision) throw refused("required revision has been compacted");
    const hashRevision = revision > 0 ? revision : current;
    const kept = await keptBy(keys, hashRevision);
    let hash = crc32c("key");
    for await (const run of keys?.entries() ?? []) {
      const parts: Uint8Array[] = [];
      for (const { key, value } of run) {
        const { main, tombstone } = parseRevisionKey(key);
        if (main > hashRevision) continue;
        if (main <= compactRevision && kept.size > 0 && !kept.has(toByteString(key))) continue;
        if (main === compactRevision && tombstone) continue;
        parts.push(key, value);
      }
      hash = crc32c(Buffer.concat(parts), hash);
    }
    return { hash, hashRevision, compactRevision };
  } finally {
    await file.close();
  }
}

async function compactRevisionOf(meta: Bucket | undefined): Promise<number> {
  const scheduled = await meta?.get(toUtf8("scheduledCompactRev"));
  const finished = await meta?.get(toUtf8("finishedCompactRev"));
  return Math.max(
    -1,
    ...[scheduled, finished].filter((key) => key !== undefined).map((key) => parseRevisionKey(key).main),
  );
}

async function lastRevision(keys: Bucket | undefined): Promise<number | undefined> {
  let last: number | undefined;
  for await (const run of keys?.entries() ?? []) last = parseRevisionKey(run.at(-1)!.key).main;
  return last;
}

/** Of each key the version that a read at `revision` sees: what compaction there would keep. */
async function keptBy(keys: Bucket | undefined, revision: number): Promise<ReadonlySet<string>> {
  const newest = new Map<string, string>();
  for await (const run of keys?.entries() ?? []) {
    for (const { key, value } of run) {
      const { main, tombstone } = parseRevisionKey(key);
      if (main > revision) break;
      const text = keyOf(value);
      if (tombstone) newest.delete(text);
      else newest.set(text, toByteString(key));
    }
  }
  return new Set(newest.values());
}

function refused(why: string): Failure {
  return new Failure("RevisionUnavailable", `mvcc: ${why}`, "Choose another --rev");
}
