import { assert } from "../../base/mod.ts";
import type { Backend, BatchChange, BatchSource } from "./backend.ts";
import { StoreEvent } from "./event.ts";
import type { Version } from "./key-index.ts";
import { keyIn, type Record, recordAt } from "./record.ts";
import { parseRevisionKey, revisionKey } from "./revision.ts";

/** Every version of every key in revision order: the `key` bucket of the backend, and in memory the newest of it, which
 * includes all that is not written yet. */
export class History implements BatchSource {
  readonly #backend: Backend;
  readonly #keepBytes: number;
  /** Ascending by revision; the first `#start` slots are free. */
  #recent: (StoreEvent | undefined)[] = [];
  #start = 0;
  /** Index in `#recent` of the first event in no batch yet. */
  #undrained = 0;
  /** Index in `#recent` of the first event whose batch is not written yet. */
  #unwritten = 0;
  /** `#undrained` when the batch being written was cut. */
  #draining = 0;
  #recentBytes = 0;
  /** Whole revisions from here on are in `#recent`. */
  #recentFrom = 0;
  /** Dropped by compaction, in no batch yet. */
  #dropped: Version[] = [];

  /** `recentBytes`: how much of what is on disk already stays in memory, for watchers that are a little behind. */
  constructor(backend: Backend, recentBytes: number) {
    this.#backend = backend;
    this.#keepBytes = recentBytes;
    backend.addSource(this);
  }

  /** The backend holds every revision before `nextMain`. */
  startAt(nextMain: number): void {
    assert(this.#recent.length === 0, "a history starts empty");
    this.#recentFrom = nextMain;
  }

  append(event: StoreEvent): void {
    this.#recent.push(event);
    this.#recentBytes += sizeOf(event);
    this.#backend.changed(event.record.length);
  }

  drop(version: Version): void {
    this.#dropped.push(version);
    this.#backend.changed();
  }

  /** The record of a version that the index knows. */
  get(main: number, sub: number): Record {
    if (main >= this.#recentFrom) {
      const event = this.#recent[this.#indexOf(main, sub)];
      assert(event?.main === main && event.sub === sub, "a version in the index is in the history");
      return event.record;
    }
    const bytes = this.#backend.get("key", revisionKey(main, sub, false));
    assert(bytes !== undefined, "a version in the index is in the history");
    return recordAt(bytes, 0, bytes.length);
  }

  /** First revision that `recent` can read. */
  get recentFrom(): number {
    return this.#recentFrom;
  }

  /** The events from revision `from` on, in order, from memory. `from` is not before `recentFrom`. */
  recent(from: number): readonly StoreEvent[] {
    assert(from >= this.#recentFrom, "older events are read from the disk");
    return this.#recent.slice(this.#indexOf(from, 0)) as StoreEvent[];
  }

  /** The events of revisions [from, to) in order, in runs that may end in the middle of a revision. What is in the
   * backend only, that is: `to` is at most `recentFrom`, unless everything was committed before. */
  async *read(from: number, to: number, run?: number): AsyncGenerator<readonly StoreEvent[]> {
    const [first, end] = [revisionKey(from, 0, false), revisionKey(to, 0, false)];
    for await (const entries of this.#backend.scan("key", first, end, run)) {
      yield entries.map(({ key, value }) => {
        const { main, sub, tombstone } = parseRevisionKey(key);
        const record = recordAt(value, 0, value.length);
        return new StoreEvent(main, sub, tombstone, keyIn(record), record, "unknown");
      });
    }
  }

  drain(): Iterable<BatchChange> {
    const [recent, from, to, dropped] = [this.#recent, this.#undrained, this.#recent.length, this.#dropped];
    this.#undrained = to;
    this.#draining = to;
    this.#dropped = [];
    // Until they are written, the events stay where they are.
    return changesOf(recent, from, to, dropped);
  }

  written(): void {
    this.#unwritten = this.#draining;
    this.#forget();
  }

  /** Lets the oldest revisions go, as far as they are written and memory wants it. */
  #forget(): void {
    let start = this.#start;
    while (start < this.#unwritten && this.#recentBytes > this.#keepBytes) {
      const { main } = this.#recent[start] as StoreEvent;
      if ((this.#recent[this.#unwritten - 1] as StoreEvent).main === main) break;
      while ((this.#recent[start] as StoreEvent).main === main) {
        this.#recentBytes -= sizeOf(this.#recent[start] as StoreEvent);
        this.#recent[start++] = undefined;
      }
      this.#recentFrom = main + 1;
    }
    this.#start = start;
    if (start < this.#recent.length / 2) return;
    this.#recent = this.#recent.slice(start);
    this.#undrained -= start;
    this.#unwritten -= start;
    this.#draining -= start;
    this.#start = 0;
  }

  /** Index in `#recent` of the first event at or after a revision. */
  #indexOf(main: number, sub: number): number {
    let low = this.#start;
    let high = this.#recent.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const event = this.#recent[middle] as StoreEvent;
      if (event.main < main || (event.main === main && event.sub < sub)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function* changesOf(
  events: readonly (StoreEvent | undefined)[],
  from: number,
  to: number,
  dropped: readonly Version[],
): Generator<BatchChange> {
  for (let at = from; at < to; at++) {
    const { main, sub, tombstone, record } = events[at] as StoreEvent;
    yield { bucket: "key", key: revisionKey(main, sub, tombstone), value: record.bytes };
  }
  for (const { main, sub, tombstone } of dropped)
    yield { bucket: "key", key: revisionKey(main, sub, tombstone), value: undefined };
}

/** Roughly what an event keeps in memory that nothing else does. */
function sizeOf(event: StoreEvent): number {
  return 200 + event.record.length;
}
