import { assert, compareBytes } from "../../base/mod.ts";
import { pageHeadBytes } from "./format.ts";
import { type Child, childBytes, type LeafEntry, leafEntryBytes } from "./page.ts";

/** Where pages go, in order of their numbers. What it is given is its own. */
export interface PageSink {
  leaf(id: number, pages: number, entries: readonly LeafEntry[]): void;
  branch(id: number, pages: number, children: readonly Child[]): void;
}

/** Gives pages out, one after the other. */
export class PageCounter {
  #next: number;

  constructor(first: number) {
    this.#next = first;
  }

  /** Number of the first of so many. */
  take(pages: number): number {
    const first = this.#next;
    this.#next += pages;
    return first;
  }

  /** How many there are, given out or before the first. */
  get count(): number {
    return this.#next;
  }
}

export interface TreeOptions {
  readonly pageSize: number;
  /** A page is closed when it is so full; from 0 to 1. */
  readonly fill: number;
  readonly counter: PageCounter;
  readonly sink: PageSink;
}

interface Level {
  children: Child[];
  bytes: number;
}

/** One B+ tree, grown from entries in key order: a page is given out when the next entry no longer fits, and then is a child of the page
 * above. In memory is one page of each level. */
export class Tree {
  readonly #options: TreeOptions;
  #entries: LeafEntry[] = [];
  #entryBytes = pageHeadBytes;
  #lastKey: Uint8Array | undefined;
  /** Branch pages being filled, the lowest first. */
  readonly #levels: Level[] = [];

  constructor(options: TreeOptions) {
    this.#options = options;
  }

  add(entry: LeafEntry): void {
    assert(entry.key.length > 0, "a key has at least one byte");
    assert(
      this.#lastKey === undefined || compareBytes(this.#lastKey, entry.key) < 0,
      "a tree is given its keys in order",
    );
    const bytes = leafEntryBytes(entry);
    if (this.#entries.length > 0 && this.#entryBytes + bytes > this.#room) this.#closeLeaf();
    this.#entries.push(entry);
    this.#entryBytes += bytes;
    this.#lastKey = entry.key;
  }

  /** Its only leaf, if that has at most `limitBytes` and can live inside a bucket's value; then the tree takes no page. */
  inlined(limitBytes: number): readonly LeafEntry[] | undefined {
    return this.#levels.length === 0 && this.#entryBytes <= limitBytes ? this.#entries : undefined;
  }

  /** Gives out what is left; returns the root page. */
  finish(): number {
    const last = this.#giveLeaf();
    if (this.#levels.length === 0) return last.page;
    this.#addChild(0, last);
    for (let level = 0; ; level++) {
      const branch = this.#giveBranch(this.#levels[level] as Level);
      if (level === this.#levels.length - 1) return branch.page;
      this.#addChild(level + 1, branch);
    }
  }

  get #room(): number {
    return this.#options.pageSize * this.#options.fill;
  }

  #closeLeaf(): void {
    this.#addChild(0, this.#giveLeaf());
  }

  #addChild(at: number, child: Child): void {
    let level = this.#levels[at];
    if (level === undefined) {
      level = { children: [], bytes: pageHeadBytes };
      this.#levels.push(level);
    }
    const bytes = childBytes(child);
    // A branch with a single child would be a detour.
    if (level.children.length >= 2 && level.bytes + bytes > this.#room) this.#addChild(at + 1, this.#giveBranch(level));
    level.children.push(child);
    level.bytes += bytes;
  }

  #giveLeaf(): Child {
    const entries = this.#entries;
    const page = this.#take(this.#entryBytes, (id, pages) => this.#options.sink.leaf(id, pages, entries));
    this.#entries = [];
    this.#entryBytes = pageHeadBytes;
    return { key: entries[0]?.key ?? new Uint8Array(0), page };
  }

  #giveBranch(level: Level): Child {
    const { children } = level;
    const page = this.#take(level.bytes, (id, pages) => this.#options.sink.branch(id, pages, children));
    level.children = [];
    level.bytes = pageHeadBytes;
    return { key: (children[0] as Child).key, page };
  }

  #take(bytes: number, give: (id: number, pages: number) => void): number {
    const pages = Math.ceil(bytes / this.#options.pageSize);
    const id = this.#options.counter.take(pages);
    give(id, pages);
    return id;
  }
}
