import { assert } from "../base/mod.ts";
import type { Entry, Index, Snapshot, Term } from "./types.ts";

/** What one Ready gave the host to write, as far as it still counts. */
interface Write {
  readonly number: number;
  /** The log up to here, as it stands now, is on disk once this is. Lowered when the log is cut below it. */
  lastIndex: Index;
  readonly snapshot: Snapshot | undefined;
}

/**
 * The end of the log that is not known durable yet, and a snapshot that is about to replace the whole of it.
 *
 * Writes overlap: entries may be handed out, cut away, and replaced, while the disk is still busy with the first ones.
 * So durability is credited per write, and a cut takes its credit from every write before it. Otherwise an entry written
 * by leader A, cut by C and sent again by A would count as durable before its second write is (the ABA problem).
 */
export class Unstable {
  /** First index not known durable. The entry at it, if there is one, is `#entries[0]`. */
  #offset: Index;
  #entries: Entry[] = [];
  #snapshot: Snapshot | undefined;
  /** First index not handed out yet. Invariant: #offset <= #nextOut <= #offset + #entries.length. */
  #nextOut: Index;
  #snapshotOut = false;
  /** Handed out and not reported durable, oldest first. */
  #writes: Write[] = [];

  constructor(offset: Index) {
    this.#offset = offset;
    this.#nextOut = offset;
  }

  get offset(): Index {
    return this.#offset;
  }

  get lastIndex(): Index {
    return this.#offset + this.#entries.length - 1;
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** Undefined if the entry is not here. */
  term(index: Index): Term | undefined {
    if (index >= this.#offset) return this.#entries[index - this.#offset]?.term;
    const metadata = this.#snapshot?.metadata;
    return metadata?.index === index ? metadata.term : undefined;
  }

  /** Entries from `low` on, at most `count`; all of them are here. */
  slice(low: Index, count: number): Entry[] {
    assert(low >= this.#offset, "what is durable is read from storage");
    return this.#entries.slice(low - this.#offset, low - this.#offset + count);
  }

  at(index: Index): Entry | undefined {
    return this.#entries[index - this.#offset];
  }

  /** Puts entries at the end of the log, first cutting off what is in their place. */
  truncateAndAppend(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    assert(first.index <= this.lastIndex + 1, "a log has no gaps");
    if (first.index <= this.lastIndex) this.#cut(first.index);
    let { index, term } = first;
    for (const entry of entries) {
      assert(
        entry.index === index && entry.term >= term,
        "indexes follow each other, and terms never go back along a log",
      );
      index++;
      term = entry.term;
      this.#entries.push(entry);
    }
  }

  #cut(from: Index): void {
    if (from < this.#offset) {
      this.#offset = from;
      this.#entries = [];
    } else this.#entries.length = from - this.#offset;
    this.#nextOut = Math.min(this.#nextOut, from);
    for (const write of this.#writes) write.lastIndex = Math.min(write.lastIndex, from - 1);
  }

  restore(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#snapshotOut = false;
    this.#entries = [];
    this.#offset = snapshot.metadata.index + 1;
    this.#nextOut = this.#offset;
    for (const write of this.#writes) write.lastIndex = 0;
  }

  get hasNext(): boolean {
    return this.#nextOut <= this.lastIndex || (this.#snapshot !== undefined && !this.#snapshotOut);
  }

  /** Gives the host what it has not been given yet, to be written as `number`. */
  handOut(number: number): { entries: Entry[]; snapshot: Snapshot | undefined } {
    const entries = this.#entries.slice(this.#nextOut - this.#offset);
    const snapshot = this.#snapshotOut ? undefined : this.#snapshot;
    this.#nextOut = this.lastIndex + 1;
    this.#snapshotOut = this.#snapshot !== undefined;
    if (entries.length > 0 || snapshot !== undefined)
      this.#writes.push({ number, lastIndex: this.lastIndex, snapshot });
    return { entries, snapshot };
  }

  /** Writes 1..number are durable. */
  persisted(number: number): void {
    let done = 0;
    for (const write of this.#writes) {
      if (write.number > number) break;
      if (write.snapshot !== undefined && write.snapshot === this.#snapshot) {
        this.#snapshot = undefined;
        this.#snapshotOut = false;
      }
      if (write.lastIndex >= this.#offset) {
        this.#entries.splice(0, write.lastIndex + 1 - this.#offset);
        this.#offset = write.lastIndex + 1;
      }
      done++;
    }
    if (done > 0) this.#writes.splice(0, done);
    assert(this.#offset <= this.#nextOut, "what is durable was handed out");
  }
}
