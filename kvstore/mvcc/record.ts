import { assert } from "../../base/mod.ts";
import { Encoded, type KeyValue } from "../../proto/mod.ts";
import { type ByteString, sliceToByteString, writeByteString } from "./byte-string.ts";

/** An encoded mvccpb.KeyValue, fields in order and zeros left out, as Go encodes it: what the history keeps, what
 * HashKV sums up, and what goes into answers and events as it stands. */
export type Record = Encoded<KeyValue>;

const tags = { key: 0x0a, createRevision: 0x10, modRevision: 0x18, version: 0x20, value: 0x2a, lease: 0x30 } as const;

const lease64 = new DataView(new ArrayBuffer(8));
const noValue = new Uint8Array(0);

/** The longest a record gets beyond its key and value: five numbers, six tags, two lengths. */
const overhead = 6 + 4 * 10 + 2 * 5;

export function maxRecordBytes(key: ByteString, value: Uint8Array): number {
  return key.length + value.length + overhead;
}

/** Writes a record to `bytes[start...)`, where `maxRecordBytes` are free; returns its end. */
export function writeRecord(
  bytes: Uint8Array,
  start: number,
  key: ByteString,
  createRevision: number,
  modRevision: number,
  version: number,
  value: Uint8Array,
  lease: bigint,
): number {
  let at = start;
  bytes[at++] = tags.key;
  at = writeText(bytes, at, key);
  if (createRevision !== 0) {
    bytes[at++] = tags.createRevision;
    at = writeVarint(bytes, at, createRevision);
  }
  if (modRevision !== 0) {
    bytes[at++] = tags.modRevision;
    at = writeVarint(bytes, at, modRevision);
  }
  if (version !== 0) {
    bytes[at++] = tags.version;
    at = writeVarint(bytes, at, version);
  }
  if (value.length > 0) {
    bytes[at++] = tags.value;
    at = writeVarint(bytes, at, value.length);
    bytes.set(value, at);
    at += value.length;
  }
  if (lease !== 0n) {
    bytes[at++] = tags.lease;
    at = writeLease(bytes, at, lease);
  }
  return at;
}

export function recordAt(bytes: Uint8Array, start: number, end: number): Record {
  return new Encoded<KeyValue>(bytes, start, end);
}

/** What the history keeps of a deletion: the key alone. With `modRevision`, what watchers are told. */
export function tombstoneRecord(key: ByteString, modRevision = 0): Record {
  const bytes = Buffer.allocUnsafe(maxRecordBytes(key, noValue));
  return recordAt(bytes, 0, writeRecord(bytes, 0, key, 0, modRevision, 0, noValue, 0n));
}

/** A record taken apart. The value stays inside the record until it is asked for. */
export interface ParsedRecord {
  readonly record: Record;
  readonly key: ByteString;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: bigint;
  /** Of `record.buffer`: the end of everything before the value, and the value. */
  readonly headEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

export function parseRecord(record: Record): ParsedRecord {
  const { buffer, end: recordEnd } = record;
  let key = "";
  let createRevision = 0;
  let modRevision = 0;
  let version = 0;
  let lease = 0n;
  let headEnd = -1;
  let valueStart = recordEnd;
  let valueEnd = recordEnd;
  let at = record.start;
  while (at < recordEnd) {
    switch (buffer[at++]) {
      case tags.key: {
        const length = readVarint(buffer, at);
        key = sliceToByteString(buffer, end, end + length);
        at = end + length;
        break;
      }
      case tags.createRevision:
        createRevision = readVarint(buffer, at);
        at = end;
        break;
      case tags.modRevision:
        modRevision = readVarint(buffer, at);
        at = end;
        break;
      case tags.version:
        version = readVarint(buffer, at);
        at = end;
        break;
      case tags.value: {
        headEnd = at - 1;
        const length = readVarint(buffer, at);
        valueStart = end;
        valueEnd = end + length;
        at = valueEnd;
        break;
      }
      case tags.lease:
        if (headEnd < 0) headEnd = at - 1;
        lease = readLease(buffer, at);
        at = end;
        break;
      default:
        assert(false, "a record holds the fields of a KeyValue and nothing else");
    }
  }
  assert(at === recordEnd, "a record ends with a whole field");
  if (headEnd < 0) headEnd = recordEnd;
  return { record, key, createRevision, modRevision, version, lease, headEnd, valueStart, valueEnd };
}

export function keyIn(record: Record): ByteString {
  assert(record.buffer[record.start] === tags.key, "a record begins with its key");
  const length = readVarint(record.buffer, record.start + 1);
  return sliceToByteString(record.buffer, end, end + length);
}

export function valueIn({ record, valueStart, valueEnd }: ParsedRecord): Uint8Array {
  return record.buffer.subarray(valueStart, valueEnd);
}

/** The record for `keys_only`. etcd answers that from its index, which does not know leases. */
export function withoutValueAndLease(record: Record): Record {
  return recordAt(record.buffer, record.start, parseRecord(record).headEnd);
}

export function withoutValue(record: Record): Record {
  const { headEnd, valueStart, valueEnd, lease } = parseRecord(record);
  if (valueStart === valueEnd) return record;
  const { buffer, start } = record;
  if (lease === 0n) return recordAt(buffer, start, headEnd);
  return new Encoded<KeyValue>(Buffer.concat([buffer.subarray(start, headEnd), buffer.subarray(valueEnd, record.end)]));
}

function writeText(bytes: Uint8Array, start: number, text: ByteString): number {
  const at = writeVarint(bytes, start, text.length);
  // Calling out costs more than copying a short key by hand.
  if (text.length > 32) writeByteString(bytes, at, text);
  else for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}

function writeVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest > 0x7fff_ffff) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

function writeLease(bytes: Uint8Array, start: number, lease: bigint): number {
  lease64.setBigInt64(0, lease);
  let high = lease64.getUint32(0);
  let low = lease64.getUint32(4);
  let at = start;
  while (high !== 0 || low > 0x7f) {
    bytes[at++] = (low & 0x7f) | 0x80;
    low = ((low >>> 7) | (high << 25)) >>> 0;
    high >>>= 7;
  }
  bytes[at++] = low;
  return at;
}

/** Where the last `readVarint` or `readLease` ended. */
let end = 0;

function readVarint(bytes: Uint8Array, start: number): number {
  let value = 0;
  let scale = 1;
  for (let at = start; ; at++) {
    const byte = bytes[at] as number;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      end = at + 1;
      return value;
    }
    scale *= 0x80;
  }
}

function readLease(bytes: Uint8Array, start: number): bigint {
  let value = 0n;
  let shift = 0n;
  for (let at = start; ; at++) {
    const byte = bytes[at] as number;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) {
      end = at + 1;
      return BigInt.asIntN(64, value);
    }
    shift += 7n;
  }
}
