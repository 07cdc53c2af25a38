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
    const [first, last] = [storage.firstIndex(), storage.lastIndex()];
    const property = "what is durable is found again";
    const had = this.#last;
    let isReplaced = false;
    this.startsAt(first - 1);
    for (let index = first; index <= last; index++) {
      const [before, term] = [this.#terms.get(index), storage.term(index) as Term];
      if (before === term) continue;
      // What was under way has taken the place of what a later leader does not have, and of all behind it.
      hold(before === undefined || before < term, property, () => `${this.#who} had ${before}/${index}, found ${term}`);
      isReplaced ||= before !== undefined;
      this.#append(index, term);
    }
    hold(isReplaced || last >= had, property, () => `${this.#who} had ${had}, found ${last}`);
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
    else if (type === types.snapshot) this.#takeSnapshot(walpb.Snapshot.decode(data));
  }

  /** Of a log that has something else there nothing is left: the snapshot is the leader's. */
  #takeSnapshot({ index, term }: walpb.Snapshot): void {
    const own = this.#terms.get(index);
    if (index > this.#snapshot && own !== undefined && own !== term) {
      this.#terms.clear();
      this.#last = 0;
    }
    this.startsAt(index);
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
