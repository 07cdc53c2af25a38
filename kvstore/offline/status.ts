import { crc32c } from "@node-rs/crc32";
import { Failure, fromUtf8, toUtf8 } from "../../base/mod.ts";
import { check } from "../bbolt/mod.ts";
import { parseRevisionKey } from "../mvcc/mod.ts";
import { keyOf } from "./key-of.ts";
import { SnapshotFile } from "./snapshot-file.ts";

export interface SnapshotStatus {
  /** CRC-32C of all buckets. */
  readonly hash: number;
  readonly revision: number;
  /** Live keys. */
  readonly totalKey: number;
  /** Bytes in use. */
  readonly totalSize: number;
  /** Of what is stored; empty before 3.6. */
  readonly version: string;
}

/** What `etcdutl snapshot status` says of a file. Rejects with a `Failure` if the file is damaged. */
export async function snapshotStatus(path: string): Promise<SnapshotStatus> {
  const file = await SnapshotFile.open(path);
  try {
    const { database } = file;
    const errors = await check(database);
    if (errors.length > 0) {
      const list = errors.join("\n");
      throw new Failure(
        "SnapshotDamaged",
        `snapshot file integrity check failed. ${errors.length} errors found.\n${list}`,
        "Take it again",
      );
    }
    const live = new Set<string>();
    let revision = 0;
    let hash = 0;
    for await (const { name, bucket } of database.root.buckets()) {
      hash = crc32c(Buffer.from(name), hash);
      const holdsKeys = fromUtf8(name) === "key";
      for await (const run of bucket.entries()) {
        for (const { key, value } of run) {
          hash = crc32c(
            Buffer.from(value.buffer, value.byteOffset, value.length),
            crc32c(Buffer.from(key.buffer, key.byteOffset, key.length), hash),
          );
          if (!holdsKeys) continue;
          const { main, tombstone } = parseRevisionKey(key);
          revision = main;
          const text = keyOf(value);
          if (tombstone) live.delete(text);
          else live.add(text);
        }
      }
    }
    const version = await (await database.root.bucket(toUtf8("meta")))?.get(toUtf8("storageVersion"));
    return {
      hash,
      revision,
      totalKey: live.size,
      totalSize: database.sizeBytes,
      version: version === undefined ? "" : fromUtf8(version),
    };
  } finally {
    await file.close();
  }
}
