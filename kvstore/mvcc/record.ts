import { assert } from "../../base/mod.ts";
import { Encoded, type KeyValue } from "../../proto/mod.ts";
import { type ByteString, fromByteString, sliceToByteString, writeByteString } from "./byte-string.ts";

/** An encoded mvccpb.KeyValue, fields in order and zeros left out, as Go encodes it: what the history keeps, what
 * HashKV sums up, and what goes into answers and events as it stands. */
export type Record = ByteString;

const tags = { key: 0x0a, createRevision: 0x10, modRevision: 0x18, version: 0x20, value: 0x2a, lease: 0x30 } as const;

let scratch = Buffer.alloc(1 << 16);
const lease64 = new DataView(new ArrayBuffer(8));

/** The longest a record gets beyond its key and value: five numbers, six tags, two lengths. */
const overhead = 6 + 4 * 10 + 2 * 5;

export function encodeRecord(
  key: ByteString,
  createRevision: number,
  modRevision: number,
  version: number,
  value: Uint8Array | ByteString,
  lease: bigint,
): Record {
  const needed = key.length + value.length + overhead;
  if (scratch.length < needed) scratch = Buffer.alloc(2 * needed);
  const bytes = scratch;
  let at = 0;
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
    if (typeof value === "string") at = writeText(bytes, at, value);
    else {
      at = writeVarint(bytes, at, value.length);
      bytes.set(value, at);
      at += value.length;
    }
  }
  if (lease !== 0n) {
    bytes[at++] = tags.lease;
    at = writeLease(bytes, at, lease);
  }
  return sliceToByteString(bytes, 0, at);
}

/** A tombstone knows its key and, for watchers, when it was made; the history keeps the key alone. */
export function encodeTombstone(key: ByteString, modRevision: number): Record {
  return encodeRecord(key, 0, modRevision, 0, "", 0n);
}

/** A record taken apart. The value stays inside the record until it is asked for. */
export interface ParsedRecord {
  readonly record: Record;
  readonly key: ByteString;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: bigint;
  /** End of everything before the value. */
  readonly headEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

export function parseRecord(record: Record): ParsedRecord {
  let key = "";
  let createRevision = 0;
  let modRevision = 0;
  let version = 0;
  let lease = 0n;
  let headEnd = 0;
  let valueStart = 0;
  let valueEnd = 0;
  let at = 0;
  while (at < record.length) {
    switch (record.charCodeAt(at++)) {
      case tags.key: {
        const length = readVarint(record, at);
        key = record.slice(end, end + length);
        at = end + length;
        break;
      }
      case tags.createRevision:
        createRevision = readVarint(record, at);
        at = end;
        break;
      case tags.modRevision:
        modRevision = readVarint(record, at);
        at = end;
        break;
      case tags.version:
        version = readVarint(record, at);
        at = end;
        break;
      case tags.value: {
        headEnd = at - 1;
        const length = readVarint(record, at);
        valueStart = end;
        valueEnd = end + length;
        at = valueEnd;
        break;
      }
      case tags.lease:
        if (valueEnd === 0) headEnd = at - 1;
        lease = readLease(record, at);
        at = end;
        break;
      default:
        assert(false, "a record holds the fields of a KeyValue and nothing else");
    }
  }
  assert(at === record.length, "a record ends with a whole field");
  if (valueEnd === 0) {
    valueStart = valueEnd = record.length;
    if (lease === 0n) headEnd = record.length;
  }
  return { record, key, createRevision, modRevision, version, lease, headEnd, valueStart, valueEnd };
}

export function valueIn({ record, valueStart, valueEnd }: ParsedRecord): ByteString {
  return record.slice(valueStart, valueEnd);
}

/** The record for `keys_only`. etcd answers that from its index, which does not know leases. */
export function withoutValueAndLease(record: Record): Record {
  return record.slice(0, parseRecord(record).headEnd);
}

export function withoutValue(record: Record): Record {
  const { headEnd, valueEnd } = parseRecord(record);
  return headEnd === record.length ? record : record.slice(0, headEnd) + record.slice(valueEnd);
}

/** For an answer. */
export function encoded(record: Record): Encoded<KeyValue> {
  return new Encoded<KeyValue>(fromByteString(record));
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

function readVarint(record: Record, start: number): number {
  let value = 0;
  let scale = 1;
  for (let at = start; ; at++) {
    const byte = record.charCodeAt(at);
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      end = at + 1;
      return value;
    }
    scale *= 0x80;
  }
}

function readLease(record: Record, start: number): bigint {
  let value = 0n;
  let shift = 0n;
  for (let at = start; ; at++) {
    const byte = record.charCodeAt(at);
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) {
      end = at + 1;
      return BigInt.asIntN(64, value);
    }
    shift += 7n;
  }
}
