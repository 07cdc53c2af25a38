import { crc32c } from "@node-rs/crc32";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compareBytes, fromUtf8, toHex, toUtf8 } from "../../base/mod.ts";
import { check, Database } from "../bbolt/mod.ts";
import { databaseFile, etcdBuckets, hashOfState, inBlobs, type StateRecord, type StateRuns } from "./mod.ts";

const metaNames = ["consistent_index", "term", "storageVersion", "confState", "scheduledCompactRev"];
const record = fc.oneof(
  fc.record({
    bucket: fc.constantFrom(...etcdBuckets),
    key: fc.uint8Array({ minLength: 1, maxLength: 20 }),
    value: fc.uint8Array({ maxLength: 200 }),
  }),
  fc.constantFrom(...metaNames).map((name) => ({ bucket: "meta" as const, key: toUtf8(name), value: toUtf8("1") })),
  fc
    .constantFrom("memberIDs", "removedIDs")
    .map((name) => ({ bucket: "cluster" as const, key: toUtf8(name), value: toUtf8("[]") })),
);
/** As a backend exports them. */
const state = fc.array(record, { maxLength: 120 }).map((records) => {
  const byPlace = new Map(records.map((one) => [`${one.bucket}/${toHex(one.key)}`, one]));
  return [...byPlace.values()].sort(
    (a, b) => compareBytes(toUtf8(a.bucket), toUtf8(b.bucket)) || compareBytes(a.key, b.key),
  );
});

async function* inRuns(records: readonly StateRecord[]): StateRuns {
  for (let at = 0; at < records.length; at += 13) yield records.slice(at, at + 13);
}

async function open(
  records: readonly StateRecord[],
): Promise<{ database: Database; sizes: number[]; sizeBytes: number }> {
  const { sizeBytes, pieces } = await databaseFile(inRuns(records), inRuns(records));
  const blobs: Uint8Array[] = [];
  for await (const blob of inBlobs(pieces, 10_000)) blobs.push(blob);
  const bytes = Buffer.concat(blobs);
  const file = { sizeBytes: bytes.length, read: async (at: number, length: number) => bytes.subarray(at, at + length) };
  return { database: await Database.open(file), sizes: blobs.map(({ length }) => length), sizeBytes };
}

test("a state as etcd's file has all of etcd's buckets and records, and none of ours", async () => {
  await fc.assert(
    fc.asyncProperty(state, async (records) => {
      const { database, sizes, sizeBytes } = await open(records);
      expect(await check(database)).toEqual([]);
      expect(sizes.reduce((sum, size) => sum + size)).toBe(sizeBytes);
      expect(new Set(sizes.slice(0, -1)).size).toBeLessThanOrEqual(1);
      const found: string[] = [];
      for await (const { name, bucket } of database.root.buckets()) {
        found.push(fromUtf8(name));
        for await (const run of bucket.entries())
          for (const { key, value } of run) found.push(`${toHex(key)}=${toHex(value)}`);
      }
      const ours = (one: StateRecord) =>
        one.bucket === "cluster" && ["memberIDs", "removedIDs"].includes(fromUtf8(one.key));
      const expected = etcdBuckets.flatMap((bucket) => [
        bucket,
        ...records
          .filter((one) => one.bucket === bucket && !ours(one))
          .map(({ key, value }) => `${toHex(key)}=${toHex(value)}`),
      ]);
      expect(found).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});

test("the hash of a state is that of its file, but for what each member says for itself", async () => {
  await fc.assert(
    fc.asyncProperty(state, async (records) => {
      const { database } = await open(records);
      let hash = 0;
      for await (const { name, bucket } of database.root.buckets()) {
        hash = crc32c(Buffer.from(name), hash);
        for await (const run of bucket.entries()) {
          for (const { key, value } of run) {
            if (fromUtf8(name) === "meta" && ["consistent_index", "term", "storageVersion"].includes(fromUtf8(key)))
              continue;
            hash = crc32c(Buffer.concat([key, value]), hash);
          }
        }
      }
      expect(await hashOfState(inRuns(records))).toBe(hash);
    }),
    { numRuns: 50 },
  );
});
