import type { Json } from "../../history/mod.ts";
import { inRange, type KeyRange, type KeyValue } from "../replay/store-operations.ts";

type Answer = { readonly [name: string]: Json };

/** A change as a watch tells it. */
export interface StoreEvent {
  readonly type: "put" | "delete";
  readonly kv: KeyValue;
  readonly prev: KeyValue | undefined;
}

/**
 * A store that does everything right, one request after the other, as plainly as it can be written: what the histories that checkers are graded with are made by.
 * It shares nothing with the models that judge them.
 */
export class CorrectStore {
  revision = 1;
  compacted = 0;
  /** Of each revision, from 2 on. */
  readonly log: StoreEvent[][] = [];
  #pairs = new Map<string, KeyValue>();
  /** The pairs at each revision. */
  readonly #past: Map<string, KeyValue>[] = [new Map(), new Map()];
  readonly #leases = new Set<string>();

  /** Undefined when it is refused, and nothing has changed. */
  apply(f: string, asked: Answer): Answer | undefined {
    switch (f) {
      case "range":
        return this.#range(asked);
      case "put":
        if (typeof asked.lease === "string" && !this.#leases.has(asked.lease)) return undefined;
        return { revision: this.revision + 1, ...this.#commit([{ f, ...asked }])[0] };
      case "delete": {
        const [answer] = this.#commit([{ f, ...asked }]);
        return { revision: this.revision, ...answer };
      }
      case "kv-txn": {
        const compares = asked.compare as readonly Answer[];
        const succeeded = compares.every(({ key, value }) => (this.#pairs.get(key as string)?.mod ?? 0) === value);
        const responses = this.#commit(asked[succeeded ? "success" : "failure"] as readonly Answer[]);
        return { revision: this.revision, succeeded, responses };
      }
      case "compact":
        if ((asked.revision as number) <= this.compacted || (asked.revision as number) > this.revision)
          return undefined;
        this.compacted = asked.revision as number;
        return { revision: this.revision };
      case "lease-grant":
        if (this.#leases.has(asked.id as string)) return undefined;
        this.#leases.add(asked.id as string);
        return asked;
      case "lease-revoke": {
        if (!this.#leases.delete(asked.id as string)) return undefined;
        const held = [...this.#pairs.values()].filter(({ lease }) => lease === asked.id);
        this.#commit(held.map(({ key }) => ({ f: "delete", key })));
        return asked;
      }
      default:
        return undefined;
    }
  }

  pairsAt(revision: number, range: KeyRange): KeyValue[] {
    const pairs = this.#past[revision] ?? new Map<string, KeyValue>();
    return [...pairs.values()].filter(({ key }) => inRange(range, key)).sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  #range(asked: Answer): Answer | undefined {
    const at = (asked.revision as number | undefined) ?? this.revision;
    if (at < this.compacted || at > this.revision) return undefined;
    const all = this.pairsAt(at, { key: asked.key as string, end: asked.end as string | undefined });
    const limit = (asked.limit as number | undefined) ?? all.length;
    return {
      revision: this.revision,
      kvs: all.slice(0, limit).map(asJson),
      count: all.length,
      more: all.length > limit,
    };
  }

  /** All of them at one revision, if they change anything. */
  #commit(requests: readonly Answer[]): Answer[] {
    const revision = this.revision + 1;
    const pairs = new Map(this.#pairs);
    const events: StoreEvent[] = [];
    const answers = requests.map((request): Answer => {
      const key = request.key as string;
      if (request.f === "range") {
        const pair = pairs.get(key);
        return { kvs: pair === undefined ? [] : [asJson(pair)] };
      }
      const prev = pairs.get(key);
      if (request.f === "put") {
        const kv: KeyValue = {
          key,
          value: request.value as string,
          create: prev?.create ?? revision,
          mod: revision,
          version: (prev?.version ?? 0) + 1,
          lease: request.lease as string | undefined,
        };
        pairs.set(key, kv);
        events.push({ type: "put", kv, prev });
        return {};
      }
      const gone = [...pairs.values()].filter((pair) =>
        inRange({ key, end: request.end as string | undefined }, pair.key),
      );
      gone.sort((a, b) => (a.key < b.key ? -1 : 1));
      for (const pair of gone) {
        pairs.delete(pair.key);
        events.push({ type: "delete", kv: { ...pair, mod: revision }, prev: pair });
      }
      return { deleted: gone.length, prevs: gone.map(asJson) };
    });
    if (events.length > 0) {
      this.revision = revision;
      this.#pairs = pairs;
      this.#past[revision] = pairs;
      this.log.push(events);
    }
    return answers;
  }
}

export function asJson({ key, value, mod, create, version, lease }: KeyValue): Json {
  return { key, value, mod, create: create ?? 0, version: version ?? 0, ...(lease === undefined ? {} : { lease }) };
}
