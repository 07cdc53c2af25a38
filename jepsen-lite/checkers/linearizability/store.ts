import type { Json } from "../../history/mod.ts";
import { inRange, type KeyRange } from "../replay/store-operations.ts";
import { type Fields, isFields } from "../shape.ts";
import type { Model } from "./model.ts";
import { type Entry, hashText, SortedMap } from "./sorted-map.ts";

/** A request to the whole store, and its answer; undefined when it crashed. */
export interface StoreOp {
  readonly f: string;
  readonly asked: Fields;
  readonly got: Fields | undefined;
  /** No request in it writes, whatever its comparisons say. */
  readonly readsOnly: boolean;
  readonly text: string;
}

interface Pair extends Entry {
  readonly value: string;
  readonly create: number;
  readonly mod: number;
  readonly version: number;
  /** Empty for none. */
  readonly lease: string;
}

export interface StoreState {
  readonly revision: number;
  readonly compacted: number;
  readonly pairs: SortedMap<Pair>;
  readonly leases: SortedMap<Entry>;
  /** The state at the revision before, where reads of old revisions occur. */
  readonly before: StoreState | undefined;
}

/** What of the history makes the model keep or try more than most need. */
export interface StoreRules {
  /** Old revisions are read. */
  readonly keepsPast: boolean;
  /** A lease's id is granted more than once. */
  readonly regrants: boolean;
  /** Revisions that an acknowledged write says it made: no crashed one can have. Without this, each could stand in each place, as far as that is seen. */
  readonly taken: ReadonlySet<number>;
}

/**
 * etcd's store as one object: keys with their revisions, transactions, leases without their time, compaction, ranges now and of the past. A fresh store is at
 * revision 1; what changes anything takes one revision, however much it changes; what changes nothing takes none.
 */
export function storeModel(rules: StoreRules): Model<StoreState, StoreOp> {
  // Equal states are one object: with all their past, comparing them would cost more than finding them. What is in `before` is interned already.
  const known = new Map<number, StoreState[]>();
  const intern = (state: StoreState): StoreState => {
    const hash = hashState(state);
    const alike = known.get(hash);
    const same = alike?.find((other) => sameState(state, other));
    if (same !== undefined) return same;
    if (alike === undefined) known.set(hash, [state]);
    else alike.push(state);
    return state;
  };
  return {
    initial: { revision: 1, compacted: 0, pairs: SortedMap.empty, leases: SortedMap.empty, before: undefined },
    step: (state, op) => {
      const after = step(state, op, rules);
      if (after === undefined || after === state) return after;
      if (op.got === undefined && after.revision > state.revision && rules.taken.has(after.revision)) return undefined;
      return intern(after);
    },
    isRead: (op) => op.readsOnly,
    hash: hashState,
    equal: (a, b) => a === b,
    describe: (op) => op.text,
    describeState: ({ revision, pairs }) =>
      `revision ${revision} with ${[...pairs.from("")].map(({ key, value, mod }) => `${key} = ${value} (revision ${mod})`).join(", ") || "no keys"}`,
  };
}

function hashState({ revision, compacted, pairs, leases }: StoreState): number {
  return Math.imul(revision, 31) ^ Math.imul(compacted, 37) ^ pairs.hash ^ leases.hash;
}

function sameState(a: StoreState, b: StoreState): boolean {
  if (a.revision !== b.revision || a.compacted !== b.compacted || a.before !== b.before) return false;
  return a.leases.equals(b.leases, () => true) && a.pairs.equals(b.pairs, samePair);
}

function samePair(a: Pair, b: Pair): boolean {
  return (
    a === b ||
    (a.key === b.key && a.value === b.value && a.mod === b.mod && a.create === b.create && a.lease === b.lease)
  );
}

function step(state: StoreState, op: StoreOp, { keepsPast, regrants }: StoreRules): StoreState | undefined {
  const { f, asked, got } = op;
  // The cheapest question first: nothing that happened elsewhere has the right revision.
  if (!mayHaveRevision(state, op)) return undefined;
  if (f === "compact") {
    const revision = asked.revision as number;
    // It makes nothing possible that was not: a crashed one need not have happened.
    if (got === undefined) return undefined;
    return revision > state.compacted && revision <= state.revision ? { ...state, compacted: revision } : undefined;
  }
  if (f === "lease-grant") {
    const id = String(asked.id);
    if (state.leases.get(id) !== undefined) return undefined;
    return { ...state, leases: state.leases.set({ key: id, hash: hashText(id) }) };
  }
  const change = new Change(state);
  if (f === "lease-revoke") {
    const id = String(asked.id);
    if (state.leases.get(id) === undefined) return undefined;
    for (const { key, lease } of state.pairs.from("")) if (lease === id) change.delete(key);
    // That a lease without keys is gone can only be seen by who grants it again.
    if (got === undefined && !regrants && !change.changed) return undefined;
    return change.end({ ...state, leases: state.leases.delete(id) }, keepsPast);
  }
  if (f === "kv-txn") {
    const succeeded = (asked.compare as readonly Fields[]).every((compare) => holds(state, compare));
    if (got !== undefined && got.succeeded !== succeeded) return undefined;
    const requests = asked[succeeded ? "success" : "failure"] as readonly Fields[];
    const responses = got?.responses as readonly Json[] | undefined;
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i] as Fields;
      if (!change.apply(request.f as string, request, responses?.[i] as Fields | undefined)) return undefined;
    }
  } else if (!change.apply(f, asked, got)) return undefined;
  const after = change.end(state, keepsPast);
  if (got !== undefined && got.revision !== undefined && got.revision !== after.revision) return undefined;
  return after;
}

function mayHaveRevision(state: StoreState, { f, got, readsOnly }: StoreOp): boolean {
  const revision = got?.revision;
  if (typeof revision !== "number" || f.startsWith("lease")) return true;
  if (revision === state.revision) return f !== "put";
  return !readsOnly && f !== "compact" && revision === state.revision + 1;
}

/** One request, or the requests of one transaction, being applied. */
class Change {
  #pairs: SortedMap<Pair>;
  readonly #state: StoreState;
  changed = false;

  constructor(state: StoreState) {
    this.#state = state;
    this.#pairs = state.pairs;
  }

  /** False when it cannot have had this answer. */
  apply(f: string, asked: Fields, got: Fields | undefined): boolean {
    if (f === "put") return this.#put(asked, got);
    const range: KeyRange = { key: asked.key as string, end: (asked.end ?? undefined) as string | undefined };
    if (f === "delete") return this.#deleteRange(range, got);
    return got === undefined || this.#range(range, asked, got);
  }

  delete(key: string): void {
    this.#pairs = this.#pairs.delete(key);
    this.changed = true;
  }

  end(state: StoreState, keepsPast: boolean): StoreState {
    if (!this.changed) return state;
    return { ...state, revision: state.revision + 1, pairs: this.#pairs, before: keepsPast ? state : undefined };
  }

  #put(asked: Fields, got: Fields | undefined): boolean {
    const lease = asked.lease === undefined || asked.lease === null || asked.lease === "0" ? "" : String(asked.lease);
    if (lease !== "" && this.#state.leases.get(lease) === undefined) return false;
    const key = asked.key as string;
    const old = this.#pairs.get(key);
    if (got?.prev !== undefined && !tellsPair(got.prev, old)) return false;
    const mod = this.#state.revision + 1;
    const value = asked.value as string;
    const hash =
      Math.imul(hashText(key), 31) ^ Math.imul(mod, 0x9e3779b1) ^ hashText(value) ^ Math.imul(hashText(lease), 7);
    const pair = { key, value, mod, create: old?.create ?? mod, version: (old?.version ?? 0) + 1, lease, hash };
    this.#pairs = this.#pairs.set(pair);
    this.changed = true;
    return true;
  }

  #deleteRange(range: KeyRange, got: Fields | undefined): boolean {
    const found = pairsIn(this.#pairs, range);
    if (got?.deleted !== undefined && got.deleted !== found.length) return false;
    if (got?.prevs !== undefined && !tellsPairs(got.prevs, found)) return false;
    for (const { key } of found) this.delete(key);
    return true;
  }

  #range(range: KeyRange, asked: Fields, got: Fields): boolean {
    const revision = typeof asked.revision === "number" && asked.revision > 0 ? asked.revision : undefined;
    let pairs: SortedMap<Pair> | undefined = this.#pairs;
    if (revision !== undefined) {
      if (revision < this.#state.compacted || revision > this.#state.revision) return false;
      let at: StoreState | undefined = this.#state;
      while (at !== undefined && at.revision > revision) at = at.before;
      pairs = at?.pairs;
      if (pairs === undefined) return false;
    }
    const found = pairsIn(pairs, range);
    if (got.count !== undefined && got.count !== found.length) return false;
    if (asked.countOnly === true) return true;
    const limit = typeof asked.limit === "number" && asked.limit > 0 ? asked.limit : Infinity;
    if (got.more !== undefined && got.more !== found.length > limit) return false;
    return got.kvs === undefined || tellsPairs(got.kvs, limit < found.length ? found.slice(0, limit) : found);
  }
}

function pairsIn(pairs: SortedMap<Pair>, range: KeyRange): Pair[] {
  if (range.end === undefined) {
    const pair = pairs.get(range.key);
    return pair === undefined ? [] : [pair];
  }
  const found: Pair[] = [];
  for (const pair of pairs.from(range.key)) {
    if (!inRange(range, pair.key)) break;
    found.push(pair);
  }
  return found;
}

function tellsPairs(told: Json, pairs: readonly Pair[]): boolean {
  return (
    Array.isArray(told) && told.length === pairs.length && told.every((one, i) => tellsPair(one as Json, pairs[i]))
  );
}

/** Fields that an answer does not have are not compared. */
function tellsPair(told: Json, pair: Pair | undefined): boolean {
  if (!isFields(told)) return told === null && pair === undefined;
  if (pair === undefined) return false;
  return (
    told.key === pair.key &&
    told.value === pair.value &&
    told.mod === pair.mod &&
    (told.create === undefined || told.create === pair.create) &&
    (told.version === undefined || told.version === pair.version) &&
    (told.lease === undefined || String(told.lease ?? "") === pair.lease || (pair.lease === "" && told.lease === "0"))
  );
}

/** A missing key compares as zero, but no comparison of its value holds. */
function holds({ pairs }: StoreState, compare: Fields): boolean {
  const range: KeyRange = { key: compare.key as string, end: (compare.end ?? undefined) as string | undefined };
  const found = pairsIn(pairs, range);
  if (found.length === 0) return compare.target !== "value" && compares(compare.target === "lease" ? "" : 0, compare);
  return found.every((pair) =>
    compares(pair[compare.target as "value" | "lease" | "create" | "mod" | "version"], compare),
  );
}

function compares(actual: string | number, compare: Fields): boolean {
  const wanted = compare.value;
  const expected = compare.target === "lease" && wanted === "0" ? "" : (wanted as string | number);
  switch (compare.result) {
    case "=":
      return actual === expected;
    case "!=":
      return actual !== expected;
    case "<":
      return actual < expected;
    default:
      return actual > expected;
  }
}
