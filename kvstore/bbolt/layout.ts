import { assert, toUtf8 } from "../../base/mod.ts";
import { bucketHeadBytes, defaultPageSize, viewOf, writeUint64 } from "./format.ts";
import { encodeLeaf, type LeafEntry, leafBytes } from "./page.ts";
import { PageCounter, type PageSink, Tree } from "./tree.ts";

/** What a file is made of: buckets in byte order of their names, in each the records in key order. */
export interface Record {
  readonly bucket: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface WriteOptions {
  /** All buckets of the file, also those without records, in byte order of their names. */
  readonly buckets: readonly string[];
  /** Default 4096. */
  readonly pageSize?: number;
  /** How full a page gets. Default 0.9, as etcd has it for keys that only grow. */
  readonly fill?: number;
}

/** Where things came to lie: what the first pages of a file say of the rest. */
export interface Layout {
  readonly root: number;
  readonly freelist: number;
  readonly pageCount: number;
}

/** Lays records out on pages, in order, right behind the two meta pages: all buckets, the bucket of buckets, an empty free list. */
export class Layouter {
  readonly #buckets: readonly string[];
  readonly #pageSize: number;
  readonly #counter = new PageCounter(2);
  readonly #newTree: () => Tree;
  readonly #root: Tree;
  /** Which bucket is being filled. */
  #at = 0;
  #tree: Tree;

  constructor(sink: PageSink, { buckets, pageSize = defaultPageSize, fill = 0.9 }: WriteOptions) {
    this.#buckets = buckets;
    this.#pageSize = pageSize;
    const options = { pageSize, fill, counter: this.#counter, sink };
    this.#newTree = () => new Tree(options);
    this.#root = this.#newTree();
    this.#tree = this.#newTree();
  }

  /** Keeps the record's bytes until its page is given out. */
  add(record: Record): void {
    const { bucket } = record;
    while (this.#buckets[this.#at] !== bucket) {
      assert(this.#at < this.#buckets.length, "records come bucket by bucket, in the order of the buckets");
      this.#closeBucket();
    }
    this.#tree.add(record);
  }

  finish(): Layout {
    while (this.#at < this.#buckets.length) this.#closeBucket();
    const root = this.#root.finish();
    return { root, freelist: this.#counter.take(1), pageCount: this.#counter.count };
  }

  #closeBucket(): void {
    const name = toUtf8(this.#buckets[this.#at] as string);
    // As bbolt does, a bucket that fits a quarter of a page is kept with its name.
    const inlined = this.#tree.inlined(this.#pageSize / 4);
    const value = inlined === undefined ? rootedAt(this.#tree.finish()) : inlineBucket(inlined);
    this.#root.add({ key: name, value, isBucket: true });
    this.#at++;
    this.#tree = this.#newTree();
  }
}

function rootedAt(page: number): Uint8Array {
  const value = new Uint8Array(bucketHeadBytes);
  writeUint64(viewOf(value), 0, page);
  return value;
}

function inlineBucket(entries: readonly LeafEntry[]): Uint8Array {
  const value = new Uint8Array(bucketHeadBytes + leafBytes(entries));
  encodeLeaf(value.subarray(bucketHeadBytes), 0, 0, entries);
  return value;
}
