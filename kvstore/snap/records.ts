import { assert, fromUtf8, toUtf8 } from "../../base/mod.ts";

/** One record of the state machine's backend, with the bucket it lies in. */
export interface SnapshotRecord<Bucket extends string = string> {
  readonly bucket: Bucket;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

const headBytes = 9;

/** A run of records as bytes: per record the lengths of bucket (1), key (4) and value (4, little-endian), then the three. */
export function encodeRun(records: readonly SnapshotRecord[]): Uint8Array {
  const buckets = records.map(({ bucket }) => toUtf8(bucket));
  let size = 0;
  for (const [at, { key, value }] of records.entries())
    size += headBytes + buckets[at]!.length + key.length + value.length;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [position, { key, value }] of records.entries()) {
    const bucket = buckets[position]!;
    view.setUint8(at, bucket.length);
    view.setUint32(at + 1, key.length, true);
    view.setUint32(at + 5, value.length, true);
    at += headBytes;
    for (const part of [bucket, key, value]) {
      bytes.set(part, at);
      at += part.length;
    }
  }
  return bytes;
}

export function decodeRun(bytes: Uint8Array): SnapshotRecord[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const records: SnapshotRecord[] = [];
  let at = 0;
  const part = (length: number) => {
    assert(at + length <= bytes.length, "a run holds whole records");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    assert(at + headBytes <= bytes.length, "a run holds whole records");
    const [bucket, key, value] = [view.getUint8(at), view.getUint32(at + 1, true), view.getUint32(at + 5, true)];
    at += headBytes;
    records.push({ bucket: fromUtf8(part(bucket)), key: part(key), value: part(value) });
  }
  return records;
}
