import { Encoded, type Event } from "../../proto/mod.ts";
import type { ByteString } from "./byte-string.ts";
import { parseRecord, type Record, tombstoneRecord } from "./record.ts";

/** One version of one key coming to be: an entry of the history, and what watchers hear of it. */
export class StoreEvent {
  readonly main: number;
  readonly sub: number;
  readonly tombstone: boolean;
  readonly key: ByteString;
  /** As in the history: of a tombstone, the key alone. */
  readonly record: Record;
  /** The version before: `undefined` if there was none, `"unknown"` when it has to be looked up. */
  readonly previous: Record | undefined | "unknown";
  #encoded: Encoded<Event> | undefined;
  #encodedWithPrevious: Encoded<Event> | undefined;

  constructor(
    main: number,
    sub: number,
    tombstone: boolean,
    key: ByteString,
    record: Record,
    previous: Record | undefined | "unknown",
  ) {
    this.main = main;
    this.sub = sub;
    this.tombstone = tombstone;
    this.key = key;
    this.record = record;
    this.previous = previous;
  }

  withoutPrevious(): StoreEvent {
    return new StoreEvent(this.main, this.sub, this.tombstone, this.key, this.record, undefined);
  }

  /** The event for a watcher without `prev_kv`. Encoded once, for all of them. */
  encode(): Encoded<Event> {
    this.#encoded ??= this.#encode(undefined);
    return this.#encoded;
  }

  /** The event with its `prev_kv`, which `read` looks up if need be. */
  encodeWithPrevious(read: (event: StoreEvent) => Record | undefined): Encoded<Event> {
    this.#encodedWithPrevious ??= this.#encode(this.previous === "unknown" ? this.#lookUp(read) : this.previous);
    return this.#encodedWithPrevious;
  }

  /** A key that is created has nothing before it, even if the same transaction has deleted it. */
  #lookUp(read: (event: StoreEvent) => Record | undefined): Record | undefined {
    const isCreated = !this.tombstone && parseRecord(this.record).createRevision === this.main;
    return isCreated ? undefined : read(this);
  }

  #encode(previous: Record | undefined): Encoded<Event> {
    const record = this.tombstone ? tombstoneRecord(this.key, this.main) : this.record;
    const bytes = Buffer.allocUnsafe(2 + fieldSize(record) + (previous === undefined ? 0 : fieldSize(previous)));
    let at = 0;
    if (this.tombstone) {
      bytes[at++] = 0x08; // type
      bytes[at++] = 1; // DELETE
    }
    at = writeField(bytes, at, 0x12, record); // kv
    if (previous !== undefined) at = writeField(bytes, at, 0x1a, previous); // prev_kv
    return new Encoded<Event>(bytes.subarray(0, at));
  }
}

function fieldSize(record: Record): number {
  return 6 + record.length;
}

function writeField(bytes: Uint8Array, start: number, tag: number, record: Record): number {
  let at = start;
  bytes[at++] = tag;
  let length = record.length;
  while (length > 0x7f) {
    bytes[at++] = (length & 0x7f) | 0x80;
    length >>>= 7;
  }
  bytes[at++] = length;
  bytes.set(record.bytes, at);
  return at + record.length;
}
