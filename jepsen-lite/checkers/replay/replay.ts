import type { Operation } from "../../history/mod.ts";
import { numberOf, optionalNumber, textOf } from "../shape.ts";
import type { Anomaly } from "../verdict.ts";
import { watchOf } from "../watch/watch.ts";
import { inRange, type KeyRange, type KeyValue, keyValuesOf, stepsOf } from "./store-operations.ts";

/** A change of a key at a revision, as far as anybody saw it. */
export interface Change {
  readonly key: string;
  readonly mod: number;
  readonly type: "put" | "delete";
  /** Of puts. */
  readonly value: string | undefined;
  readonly create: number | undefined;
  readonly version: number | undefined;
  readonly lease: string | undefined;
  /** The operation that showed it. */
  readonly operation: number;
}

/** One revision of the store, from its own log: all that changed at it. */
export interface LogEntry {
  readonly revision: number;
  readonly changes: readonly Omit<Change, "operation" | "mod">[];
}

/**
 * The store's history by revision, put together from what was acknowledged, read and watched, or from the store's own log. Every later claim about a revision is
 * compared with it.
 *
 * Without a log it has holes: what crashed, or expired, and was never seen. `certain` says where there are none, and only there is something missing an anomaly.
 */
export class Replay {
  /** Contradictions: two that saw different things of one key at one revision. */
  readonly conflicts: Anomaly[] = [];
  /** Newest revision that anything is known of. */
  newest = 1;
  /** Per key, by revision. */
  readonly #changes = new Map<string, Change[]>();
  readonly #byPlace = new Map<string, Change>();
  /** Revisions of which all changes are known. */
  readonly #whole = new Set<number>([1]);
  #keys: readonly string[] | undefined;
  /** Revisions up to `newest` that are not whole, in order. */
  #holes: readonly number[] | undefined;

  static of(operations: readonly Operation[], log: readonly LogEntry[] = []): Replay {
    const replay = new Replay();
    for (const { revision, changes } of log) {
      for (const change of changes) replay.#learn({ ...change, mod: revision, operation: -1 });
      replay.#know(revision);
    }
    for (const operation of operations) if (operation.outcome === "ok") replay.#read(operation);
    for (const changes of replay.#changes.values()) changes.sort((a, b) => a.mod - b.mod);
    return replay;
  }

  /** Keys that ever had a change, in order. */
  get keys(): readonly string[] {
    this.#keys ??= [...this.#changes.keys()].sort();
    return this.#keys;
  }

  /** All known changes of a key, by revision. */
  changesOf(key: string): readonly Change[] {
    return this.#changes.get(key) ?? [];
  }

  change(key: string, revision: number): Change | undefined {
    return this.#byPlace.get(place(key, revision));
  }

  /** The last known change of a key not after a revision. */
  lastChange(key: string, revision: number): Change | undefined {
    const changes = this.#changes.get(key);
    if (changes === undefined) return undefined;
    let [low, high] = [0, changes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((changes[middle] as Change).mod <= revision) low = middle + 1;
      else high = middle;
    }
    return changes[low - 1];
  }

  *keysIn(range: KeyRange): Generator<string> {
    if (range.end === undefined) {
      if (this.#changes.has(range.key)) yield range.key;
      return;
    }
    for (const key of this.keys) if (inRange(range, key)) yield key;
  }

  /** Whether nothing can have changed at revisions after `after`, up to `to`, but what is known. */
  certain(after: number, to: number): boolean {
    this.#holes ??= Array.from({ length: this.newest }, (_, i) => i + 1).filter(
      (revision) => !this.#whole.has(revision),
    );
    let [low, high] = [0, this.#holes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#holes[middle] as number) <= after) low = middle + 1;
      else high = middle;
    }
    const hole = this.#holes[low];
    return to <= this.newest && (hole === undefined || hole > to);
  }

  #read(operation: Operation): void {
    if (operation.f === "watch") {
      const { request, responses } = watchOf(operation);
      for (const { events } of responses) {
        for (const event of events) {
          if (event.prev) this.#learnKeyValue(event.prev, operation.index);
          this.#learn({ ...event, operation: operation.index });
          // Who watches everything sees all of a revision.
          if (request.range.end === "\0" && request.range.key === "\0" && request.filters.length === 0)
            this.#know(event.mod);
        }
      }
      return;
    }
    const steps = stepsOf(operation);
    if (steps.length === 0) return;
    const fields = operation.output as { readonly [name: string]: never };
    const revision = numberOf(operation, fields, "revision");
    let changed = false;
    let whole = true;
    for (const { f, asked, got } of steps) {
      const kept = { operation: operation.index, mod: revision };
      if (f === "range" && got.kvs !== undefined)
        for (const kv of keyValuesOf(operation, got, "kvs")) this.#learnKeyValue(kv, operation.index);
      if (f === "put") {
        changed = true;
        const lease = asked.lease;
        this.#learn({
          ...kept,
          type: "put",
          key: textOf(operation, asked, "key"),
          value: textOf(operation, asked, "value"),
          create: undefined,
          version: undefined,
          lease: typeof lease === "string" ? lease : undefined,
        });
      }
      if (f === "delete") {
        const deleted = optionalNumber(operation, got, "deleted") ?? 0;
        if (deleted === 0) continue;
        changed = true;
        const prevs = got.prevs === undefined ? undefined : keyValuesOf(operation, got, "prevs");
        for (const prev of prevs ?? []) this.#learnKeyValue(prev, operation.index);
        const keys = asked.end === undefined ? [textOf(operation, asked, "key")] : prevs?.map(({ key }) => key);
        // What a delete of a range without previous values deleted, nobody said.
        if (keys === undefined) whole = false;
        const nothing = { value: undefined, create: undefined, version: undefined, lease: undefined };
        for (const key of keys ?? []) this.#learn({ ...kept, ...nothing, type: "delete", key });
      }
    }
    if (changed && whole) this.#know(revision);
    else this.newest = Math.max(this.newest, revision);
  }

  #know(revision: number): void {
    this.#whole.add(revision);
    this.newest = Math.max(this.newest, revision);
  }

  #learnKeyValue(kv: KeyValue, operation: number): void {
    this.#learn({ ...kv, type: "put", operation });
  }

  #learn(change: Change): void {
    this.newest = Math.max(this.newest, change.mod);
    const at = place(change.key, change.mod);
    const known = this.#byPlace.get(at);
    if (known === undefined) {
      this.#byPlace.set(at, change);
      const changes = this.#changes.get(change.key);
      if (changes === undefined) this.#changes.set(change.key, [change]);
      else changes.push(change);
      return;
    }
    const differs = difference(known, change);
    if (differs !== undefined) {
      this.conflicts.push({
        kind: "conflict",
        explanation: `Operation ${known.operation} and operation ${change.operation} saw different things of ${change.key} at revision ${change.mod}: ${differs}.`,
        operations: [known.operation, change.operation].filter((index) => index >= 0),
      });
      return;
    }
    // The same change, told in more detail.
    if (known.create === undefined && change.create !== undefined) {
      const fuller = { ...known, create: change.create, version: change.version };
      this.#byPlace.set(at, fuller);
      const changes = this.#changes.get(change.key) as Change[];
      changes[changes.indexOf(known)] = fuller;
    }
  }
}

function place(key: string, revision: number): string {
  return `${revision}/${key}`;
}

function difference(a: Change, b: Change): string | undefined {
  if (a.type !== b.type) return `a ${a.type} and a ${b.type}`;
  for (const field of ["value", "create", "version", "lease"] as const) {
    // A put's own answer does not tell its lease as absent; everything else may be untold.
    if (a[field] !== undefined && b[field] !== undefined && a[field] !== b[field])
      return `${field} ${JSON.stringify(a[field])} and ${JSON.stringify(b[field])}`;
  }
  return undefined;
}
