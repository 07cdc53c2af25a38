import { raftpb, walpb } from "../../proto/mod.ts";
import type { HardState, MemoryStorage, Term } from "../../raft/mod.ts";
import { hold } from "./hold.ts";

const types = { entry: 2, hardState: 3, snapshot: 5 } as const;

/**
 * What a member's disk is known to hold, read from the bytes themselves as they become durable: whoever says that something is on a
 * disk is not asked. The frames are etcd's (server/storage/wal/encoder.go): eight bytes of length, the record, zeros up to a multiple of eight.
 */
export class DurableLog {
  readonly #who: string;
  readonly #terms = new Map<number, Term>();
  #last = 0;
  /** Everything up to here is in a snapshot too. */
  #snapshot = 0;
  #term = 0;
  #vote = 0n;

  constructor(who: string) {
    this.#who = who;
  }

  get last(): number {
    return Math.max(this.#last, this.#snapshot);
  }

  get hardTerm(): Term {
    return this.#term;
  }

  get vote(): bigint {
    return this.#vote;
  }

  has(index: number, term: Term): boolean {
    return index <= this.#snapshot || this.#terms.get(index) === term;
  }

  /** The disk is another one, or its contents are not to be relied on any more. */
  forget(): void {
    this.#terms.clear();
    this.#last = 0;
    this.#snapshot = 0;
    this.#term = 0;
    this.#vote = 0n;
  }

  /** What a member found when it started. All that was durable is there; some of what was under way in the crash may be, too. */
  found(storage: Pick<MemoryStorage, "initialState" | "firstIndex" | "lastIndex" | "term">): void {
    const last = storage.lastIndex();
    hold(last >= this.#last, "what is durable is found again", () => `${this.#who} had ${this.#last}, found ${last}`);
    this.startsAt(storage.firstIndex() - 1);
    for (let index = storage.firstIndex(); index <= last; index++) {
      const term = storage.term(index) as Term;
      if (this.#terms.get(index) !== term) this.#append(index, term);
    }
    this.#hardState(storage.initialState().hardState);
  }

  startsAt(index: number): void {
    this.#snapshot = Math.max(this.#snapshot, index);
  }

  /** One write of the log. */
  written(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at + 8 <= bytes.length; ) {
      const length = view.getUint32(at, true);
      const padding = (8 - (length % 8)) % 8;
      this.#record(walpb.Record.decode(bytes.subarray(at + 8, at + 8 + length)));
      at += 8 + length + padding;
    }
  }

  #record({ type, data }: walpb.Record): void {
    if (type === types.entry) {
      const { index, term } = raftpb.Entry.decode(data);
      this.#append(index, term);
    } else if (type === types.hardState) this.#hardState(raftpb.HardState.decode(data));
    else if (type === types.snapshot) this.startsAt(walpb.Snapshot.decode(data).index);
  }

  #append(index: number, term: Term): void {
    for (let old = index + 1; old <= this.#last; old++) this.#terms.delete(old);
    this.#terms.set(index, term);
    this.#last = index;
  }

  #hardState({ term, vote }: Pick<HardState, "term" | "vote">): void {
    hold(term >= this.#term, "a term on the disk never goes back", () => `${this.#who}: ${this.#term}, then ${term}`);
    hold(
      term > this.#term || this.#vote === 0n || vote === this.#vote,
      "one vote per term",
      () => `${this.#who} voted for ${this.#vote.toString(16)}, then for ${vote.toString(16)} in term ${term}`,
    );
    this.#term = term;
    this.#vote = vote;
  }
}
