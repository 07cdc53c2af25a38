import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { compareBytes, toUtf8 } from "../../base/mod.ts";
import { encodeMeta } from "./meta.ts";
import {
  type Bucket,
  check,
  Database,
  fileBytes,
  measure,
  type RandomAccess,
  type Record,
  type WriteOptions,
  write,
} from "./mod.ts";
import { encodeBranch, encodeLeaf } from "./page.ts";
import { PageCounter, Tree } from "./tree.ts";

function inMemory(bytes: Uint8Array): RandomAccess {
  return { sizeBytes: bytes.length, read: async (position, length) => bytes.subarray(position, position + length) };
}

async function* inRuns(records: readonly Record[], run = 50): AsyncGenerator<readonly Record[]> {
  for (let at = 0; at < records.length; at += run) yield records.slice(at, at + run);
}

async function toFile(records: readonly Record[], options: WriteOptions): Promise<Buffer> {
  const layout = await measure(inRuns(records), options);
  const pieces: Uint8Array[] = [];
  for await (const piece of write(inRuns(records, 7), layout, options)) pieces.push(piece);
  const file = Buffer.concat(pieces);
  expect(file.length).toBe(fileBytes(layout, options));
  return file;
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

async function allOf(bucket: Bucket): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const run of bucket.entries()) for (const { key, value } of run) found.push([text(key), text(value)]);
  return found;
}

/** Records in the order a file wants them, none twice. */
const sorted = (records: readonly Record[]): Record[] => {
  const byPlace = new Map(records.map((record) => [`${record.bucket}/${text(record.key)}`, record]));
  return [...byPlace.values()].sort((a, b) =>
    a.bucket === b.bucket ? compareBytes(a.key, b.key) : a.bucket < b.bucket ? -1 : 1,
  );
};

const buckets = ["a", "bb", "empty", "z"];
const value = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 60 }) },
  { weight: 2, arbitrary: fc.uint8Array({ minLength: 900, maxLength: 1500 }) },
  // Past a page, and past the blocks that a reader reads.
  { weight: 1, arbitrary: fc.constantFrom(4095, 4096, 9000, 300_000).map((length) => new Uint8Array(length).fill(7)) },
);
const record = fc.record({
  bucket: fc.constantFrom("a", "bb", "z"),
  key: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  value,
});
const anyRecords = fc.array(record, { maxLength: 150, size: "max" }).map(sorted);

describe("what is written", () => {
  test("is read again, bucket by bucket, key by key, and bbolt's rules hold for it", async () => {
    await fc.assert(
      fc.asyncProperty(anyRecords, fc.constantFrom(512, 4096), async (records, pageSize) => {
        const database = await Database.open(inMemory(await toFile(records, { buckets, pageSize })));
        expect(await check(database)).toEqual([]);
        for (const name of buckets) {
          const bucket = (await database.root.bucket(toUtf8(name))) as Bucket;
          const there = records.filter((one) => one.bucket === name);
          expect(await allOf(bucket)).toEqual(there.map(({ key, value }) => [text(key), text(value)]));
          for (const { key, value } of there.slice(0, 20))
            expect(compareBytes((await bucket.get(key))!, value)).toBe(0);
          expect(
            await bucket.get(toUtf8("no such key, it is too long for that, and so it is not there")),
          ).toBeUndefined();
        }
        expect(await database.root.bucket(toUtf8("none"))).toBeUndefined();
      }),
      { numRuns: 40 },
    );
  });

  test("grows levels of branches", async () => {
    const key = (at: number) => toUtf8(String(at).padStart(300, "0"));
    const records = Array.from({ length: 3000 }, (_, at) => ({ bucket: "a", key: key(at), value: new Uint8Array(50) }));
    const database = await Database.open(inMemory(await toFile(records, { buckets })));
    expect(await check(database)).toEqual([]);
    const bucket = (await database.root.bucket(toUtf8("a"))) as Bucket;
    expect((await allOf(bucket)).length).toBe(3000);
    expect(await bucket.get(key(1234))).toHaveLength(50);
  });

  test("comes in pieces, long before the last record was seen", async () => {
    const records = Array.from({ length: 2000 }, (_, at) => ({
      bucket: "a",
      key: toUtf8(String(at).padStart(6, "0")),
      value: new Uint8Array(100),
    }));
    const layout = await measure(inRuns(records), { buckets });
    let seen = 0;
    const counting = async function* () {
      for await (const run of inRuns(records)) {
        seen += run.length;
        yield run;
      }
    };
    const pieces = write(counting(), layout, { buckets });
    await pieces.next();
    await pieces.next();
    expect(seen).toBeLessThan(100);
    await pieces.return(undefined);
  });

  test("refuses keys that are out of order", async () => {
    const records = ["b", "a"].map((key) => ({ bucket: "a", key: toUtf8(key), value: toUtf8("") }));
    await expect(measure(inRuns(records), { buckets })).rejects.toThrow("in order");
    const backwards = ["z", "a"].map((bucket) => ({ bucket, key: toUtf8("k"), value: toUtf8("") }));
    await expect(measure(inRuns(backwards), { buckets })).rejects.toThrow("in the order of the buckets");
  });
});

describe("etcdctl, which has bbolt inside,", () => {
  const directory = mkdtempSync(join(tmpdir(), "flotilla-bbolt-"));
  afterAll(() => rmSync(directory, { recursive: true }));

  test.each([0, 1, 40, 20_000])(
    "finds nothing wrong with a file of %i keys, and counts what is there",
    async (count) => {
      const revision = (main: number) => {
        const key = Buffer.alloc(17, "_");
        key.writeBigUInt64BE(BigInt(main), 0);
        key.writeBigUInt64BE(0n, 9);
        return key;
      };
      const records = Array.from({ length: count }, (_, at) => ({
        bucket: "key",
        key: revision(at + 2),
        value: new Uint8Array(at % 997 === 5 ? 10_000 : 60).fill(at),
      }));
      const path = join(directory, `${count}.db`);
      writeFileSync(path, await toFile(records, { buckets: ["alarm", "key", "meta"] }));
      const env = { PATH: process.env.PATH, ETCDCTL_API: "3" };
      const status = JSON.parse(
        execFileSync("etcdctl", ["snapshot", "status", path, "-w", "json"], { env, encoding: "utf8" }),
      );
      expect(status).toMatchObject({ totalKey: count, revision: count === 0 ? 0 : count + 1 });
    },
  );
});

test("buckets within buckets, inline and with pages of their own, are found by their names", async () => {
  const pageSize = 4096;
  const pages: Uint8Array[] = [];
  const place = (pageCount: number) => {
    const bytes = new Uint8Array(pageCount * pageSize);
    pages.push(bytes);
    return bytes;
  };
  const counter = new PageCounter(2);
  const sink = {
    leaf: (...[id, count, entries]: Parameters<ConstructorParameters<typeof Tree>[0]["sink"]["leaf"]>) =>
      encodeLeaf(place(count), id, count - 1, entries),
    branch: (...[id, count, children]: Parameters<ConstructorParameters<typeof Tree>[0]["sink"]["branch"]>) =>
      encodeBranch(place(count), id, count - 1, children),
  };
  const tree = () => new Tree({ pageSize, fill: 0.9, counter, sink });
  const pointer = (page: number) => {
    const head = Buffer.alloc(16);
    head.writeBigUInt64LE(BigInt(page), 0);
    return head;
  };
  const inner = tree();
  for (let at = 0; at < 500; at++)
    inner.add({ key: toUtf8(String(at).padStart(5, "0")), value: toUtf8(`v${at}`), isBucket: false });
  const inline = new Uint8Array(16 + 16 + 16 + 2);
  encodeLeaf(inline.subarray(16), 0, 0, [{ key: toUtf8("k"), value: toUtf8("v"), isBucket: false }]);
  const outer = tree();
  outer.add({ key: toUtf8("big"), value: pointer(inner.finish()), isBucket: true });
  outer.add({ key: toUtf8("plain"), value: toUtf8("1"), isBucket: false });
  outer.add({ key: toUtf8("small"), value: inline, isBucket: true });
  const root = tree();
  root.add({ key: toUtf8("outer"), value: pointer(outer.finish()), isBucket: true });
  const meta = { pageSize, root: root.finish(), freelist: undefined, pageCount: counter.count };
  const file = Buffer.concat([
    encodeMeta({ ...meta, transaction: 0 }),
    encodeMeta({ ...meta, transaction: 1 }),
    ...pages,
  ]);

  const database = await Database.open(inMemory(file));
  expect(await check(database)).toEqual([]);
  const found = (await database.root.bucket(toUtf8("outer"))) as Bucket;
  expect(await allOf(found)).toEqual([[text(toUtf8("plain")), text(toUtf8("1"))]]);
  const names: string[] = [];
  for await (const { name } of found.buckets()) names.push(Buffer.from(name).toString());
  expect(names).toEqual(["big", "small"]);
  expect((await allOf((await found.bucket(toUtf8("big"))) as Bucket)).length).toBe(500);
  expect(text((await (await found.bucket(toUtf8("small")))!.get(toUtf8("k")))!)).toBe("v");
  expect(await found.get(toUtf8("small"))).toBeUndefined();
});

describe("a damaged file", () => {
  const records = Array.from({ length: 300 }, (_, at) => ({
    bucket: "a",
    key: toUtf8(String(at).padStart(6, "0")),
    value: new Uint8Array(100),
  }));
  const damaged = async (change: (file: Buffer) => unknown) => {
    const file = await toFile(records, { buckets });
    const changed = change(file);
    return inMemory(changed instanceof Buffer ? changed : file);
  };

  /** Where the only branch page begins. */
  const branchOf = (file: Buffer) =>
    4096 *
    Array.from({ length: file.length / 4096 }, (_, page) => page).findIndex(
      (page) => file.readUInt16LE(page * 4096 + 8) === 1,
    );

  const onBothMetas = (file: Buffer, at: number): undefined => {
    file.writeUInt32LE(3, at);
    file.writeUInt32LE(3, 4096 + at);
  };

  test("with one torn meta page is read by the other", async () => {
    for (const page of [0, 1]) {
      const file = await damaged((bytes) => bytes.fill(0xff, page * 4096 + 40, page * 4096 + 60));
      const database = await Database.open(file);
      expect(database.meta.transaction).toBe(1 - page);
      expect(await check(database)).toEqual([]);
    }
  });

  test.each<[string, (file: Buffer) => Buffer | undefined, string]>([
    ["that is empty", () => Buffer.alloc(0), "invalid database"],
    ["that is something else", () => Buffer.from("SQLite format 3".repeat(9000)), "invalid database"],
    ["of another version", (file) => onBothMetas(file, 20), "version mismatch"],
    ["with both meta pages torn", (file) => onBothMetas(file, 60), "checksum error"],
    ["that was cut short", (file) => file.subarray(0, file.length - 4096), "file size too small"],
  ])("%s is refused as bbolt refuses it", async (_what, change, message) => {
    await expect(Database.open(await damaged(change))).rejects.toMatchObject({ code: "InvalidDatabase", message });
  });

  test.each<[string, (file: Buffer) => void, RegExp]>([
    [
      "pages that nobody reaches",
      (file) => void file.writeUInt16LE(3, branchOf(file) + 10),
      /page \d+: unreachable unfreed/,
    ],
    ["keys out of order", (file) => void file.write("000999", file.indexOf("000001")), /needs to be (>|<) than/],
    [
      "an element that points outside",
      (file) => void file.writeUInt32LE(1 << 20, 2 * 4096 + 16 + 12),
      /points outside/,
    ],
    ["a page of another kind", (file) => void file.writeUInt16LE(0x10, 2 * 4096 + 8), /unexpected type/],
    ["a page in another's place", (file) => void file.copy(file, 3 * 4096, 2 * 4096, 3 * 4096), /calls itself 2/],
  ])("with %s does not pass the check", async (_what, change, complaint) => {
    const errors = await check(await Database.open(await damaged(change)));
    expect(errors.join("\n")).toMatch(complaint);
  });

  test("never makes a reader fail in any other way, whatever bytes it has", async () => {
    const whole = await toFile(records, { buckets });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) }), { minLength: 1, maxLength: 20 }),
        async (changes) => {
          const file = Buffer.from(whole);
          for (const { at, byte } of changes) file[at] = byte;
          try {
            const database = await Database.open(inMemory(file));
            await check(database);
            for await (const { bucket } of database.root.buckets()) await allOf(bucket);
          } catch (error) {
            expect(error).toMatchObject({ code: "InvalidDatabase" });
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
