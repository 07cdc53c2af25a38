import type { ConfState, Entry, Index, NodeId, Term } from "../types.ts";
import { numberOf } from "./payload.ts";

/** A property of Raft that a schedule has broken. */
export class BrokenInvariant extends Error {
  override readonly name = "BrokenInvariant";
}

export function hold(condition: boolean, invariant: string, detail: () => string): asserts condition {
  if (!condition) throw new BrokenInvariant(`${invariant}: ${detail()}`);
}

interface Committed {
  readonly term: Term;
  readonly value: number;
  /** The term of the leader that committed it first: later leaders must have it. */
  readonly byTerm: Term;
}

/**
 * What all members together have ever done, crashes or not: where the properties of Figure 3 of the Raft paper and a
 * few of ours are checked, as things happen.
 */
export class Ledger {
  readonly #leaders = new Map<Term, NodeId>();
  readonly #grants = new Map<string, NodeId>();
  /** What each (term, index) holds, and the term before it, by `key`. */
  readonly #entries = new Map<number, { readonly value: number; readonly previousTerm: Term }>();
  readonly #committed = new Map<Index, Committed>();
  readonly #confStates = new Map<Index, string>();
  #maxCommitted: Index;
  readonly start: Index;

  constructor(start: Index) {
    this.start = start;
    this.#maxCommitted = start;
  }

  get maxCommitted(): Index {
    return this.#maxCommitted;
  }

  leads(id: NodeId, term: Term): void {
    const other = this.#leaders.get(term);
    hold(other === undefined || other === id, "election safety", () => `${id} and ${other} both lead term ${term}`);
    this.#leaders.set(term, id);
  }

  /** For the whole life of the voter: also over crashes. */
  grants(voter: NodeId, term: Term, candidate: NodeId): void {
    const key = `${voter}@${term}`;
    const other = this.#grants.get(key);
    hold(
      other === undefined || other === candidate,
      "one grant per term and voter",
      () => `${voter} granted term ${term} to ${other}, then to ${candidate}`,
    );
    this.#grants.set(key, candidate);
  }

  /** The same index and term hold the same entry, after the same predecessor: by induction, the same prefix. */
  holds(entry: Entry, previousTerm: Term): void {
    const key = entry.term * 1_000_000 + entry.index;
    const value = contentOf(entry);
    const known = this.#entries.get(key);
    if (known === undefined) {
      this.#entries.set(key, { value, previousTerm });
      return;
    }
    hold(
      known.value === value && known.previousTerm === previousTerm,
      "log matching",
      () =>
        `${entry.term}/${entry.index} is ${value} after term ${previousTerm}, and ${known.value} after ${known.previousTerm}`,
    );
  }

  /** A leader of `byTerm` says that `entry` is committed. */
  commits(entry: Entry, byTerm: Term): void {
    const known = this.#committed.get(entry.index);
    if (known === undefined) {
      this.#committed.set(entry.index, { term: entry.term, value: contentOf(entry), byTerm });
      this.#maxCommitted = Math.max(this.#maxCommitted, entry.index);
    } else this.#sameAsCommitted(known, entry, "committed twice");
  }

  /** Somebody takes `entry` for committed, or applies it. */
  isCommitted(entry: Entry, property: string): void {
    const known = this.#committed.get(entry.index);
    hold(known !== undefined, property, () => `${entry.term}/${entry.index} was never committed by a leader`);
    this.#sameAsCommitted(known, entry, property);
  }

  #sameAsCommitted(known: Committed, entry: Entry, property: string): void {
    hold(
      known.term === entry.term && known.value === contentOf(entry),
      property,
      () =>
        `${entry.term}/${entry.index}=${contentOf(entry)}, but committed is ${known.term}/${entry.index}=${known.value}`,
    );
  }

  committedTerm(index: Index): Term | undefined {
    return this.#committed.get(index)?.term;
  }

  /** A leader has all that leaders of earlier terms committed. `term` answers for its log. */
  isComplete(leader: NodeId, leaderTerm: Term, term: (index: Index) => Term | undefined): void {
    for (const [index, committed] of this.#committed) {
      if (committed.byTerm >= leaderTerm) continue;
      const own = term(index);
      hold(
        own === committed.term || own === Number.POSITIVE_INFINITY,
        "leader completeness",
        () =>
          `${leader} leads term ${leaderTerm} with ${own ?? "nothing"} at ${index}, where ${committed.term} is committed`,
      );
    }
  }

  /** After the change at `index` every member has the same configuration. */
  hasConfState(index: Index, confState: ConfState): void {
    const text = JSON.stringify(confState, (_, value) => (typeof value === "bigint" ? Number(value) : value));
    const known = this.#confStates.get(index);
    hold(
      known === undefined || known === text,
      "one configuration per index",
      () => `${text} and ${known} at ${index}`,
    );
    this.#confStates.set(index, text);
  }
}

function contentOf(entry: Entry): number {
  return numberOf(entry) * 4 + entry.type;
}
