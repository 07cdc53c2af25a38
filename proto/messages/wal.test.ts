// testdata/etcd-3.4.23.wal is the used part of a WAL file that a single member of Debian's etcd wrote while etcdctl put,
// deleted, compacted, ran a transaction, handled leases, users and roles, and added and removed a learner.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fromUtf8, toUtf8 } from "../../base/mod.ts";
import { InternalRaftRequest } from "./internal.ts";
import { CompareResult, CompareTarget } from "./kv.ts";
import { ConfChange, Entry, EntryType, HardState } from "./raft.ts";
import { Metadata, Record, Snapshot } from "./wal.ts";

const file = readFileSync(join(import.meta.dirname, "../testdata/etcd-3.4.23.wal"));

/** Frames: the length in 7 bytes, then 0 or 0x80 | padding; the record; the padding. */
function frames(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at, true);
    found.push(new Uint8Array(bytes.subarray(at + 8, at + 8 + length)));
    at += 8 + length + (view.getUint8(at + 7) & 7);
  }
  return found;
}

const records = frames(file);
const entries = records
  .map((bytes) => Record.decode(bytes))
  .filter(({ type }) => type === 2)
  .map(({ data }) => Entry.decode(data));

test("every record is written again byte for byte", () => {
  expect(records.length).toBe(62);
  for (const bytes of records) expect(Record.encode(Record.decode(bytes))).toEqual(bytes);
});

test("what the records hold is written again byte for byte", () => {
  const byType = { 1: Metadata, 2: Entry, 3: HardState, 4: undefined, 5: Snapshot } as const;
  const seen = new Set<number>();
  for (const bytes of records) {
    const { type, data } = Record.decode(bytes);
    seen.add(type);
    const schema = byType[type as 1];
    if (schema) expect(schema.encode(schema.decode(data))).toEqual(data);
    else expect(data).toHaveLength(0);
  }
  expect([...seen].sort()).toEqual([1, 2, 3, 4, 5]);
});

test("what the entries hold is written again byte for byte", () => {
  let requests = 0;
  for (const { type, data } of entries) {
    if (type === EntryType.EntryConfChange) {
      expect(ConfChange.encode(ConfChange.decode(data))).toEqual(data);
    } else if (data.length > 0 && !isV2Request(data)) {
      requests++;
      expect(InternalRaftRequest.encode(InternalRaftRequest.decode(data))).toEqual(data);
    }
  }
  expect(requests).toBeGreaterThan(15);
});

test("the requests are those that etcdctl made", () => {
  const requests = entries
    .filter(({ type, data }) => type === EntryType.EntryNormal && data.length > 0 && !isV2Request(data))
    .map(({ data }) => InternalRaftRequest.decode(data));
  const puts = requests.flatMap(({ put }) => (put ? [fromUtf8(put.key)] : []));
  expect(puts).toEqual(["a", "b", "c", "q", "k1", "k2", "k3", "k4"]);
  const txn = requests.find((request) => request.txn)?.txn;
  expect(
    txn?.compare.map(({ target, result, version, modRevision, value }) => ({
      target,
      result,
      version,
      modRevision,
      value,
    })),
  ).toEqual([
    { target: CompareTarget.MOD, result: CompareResult.GREATER, version: undefined, modRevision: 0, value: undefined },
    {
      target: CompareTarget.VALUE,
      result: CompareResult.EQUAL,
      version: undefined,
      modRevision: undefined,
      value: toUtf8("1"),
    },
  ]);
  expect(txn?.success.map((op) => Object.entries(op).find(([, request]) => request)?.[0])).toEqual([
    "requestPut",
    "requestRange",
    "requestDeleteRange",
  ]);
});

/** etcd 3.4 publishes a member's name and the cluster's version as requests of its v2 API, which later ones do not. */
function isV2Request(data: Uint8Array): boolean {
  return /\/0\/(members|version)/.test(fromUtf8(data));
}
