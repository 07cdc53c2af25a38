import { compareBytes } from "../../base/mod.ts";
import { bucketHeadBytes, readSmallUint64, viewOf } from "./format.ts";
import { invalid } from "./invalid.ts";
import { type Entry, type LeafEntry, TreePage } from "./page.ts";
import type { Pages } from "./pages.ts";

/** A tree of keys, each with a value or with another bucket. What it gives are views of the file's bytes. */
export class Bucket {
  readonly #pages: Pages;
  readonly #root: number | TreePage;

  /** `root` is a page's number, or a page that lies inside a value. */
  constructor(pages: Pages, root: number | TreePage) {
    this.#pages = pages;
    this.#root = root;
  }

  /** What a bucket's entry holds. */
  static of(pages: Pages, { key, value }: LeafEntry): Bucket {
    if (value.length < bucketHeadBytes)
      throw invalid(`bucket ${JSON.stringify(String.fromCharCode(...key))}: ends in its head`);
    const root = readSmallUint64(viewOf(value), 0);
    return new Bucket(pages, root === 0 ? new TreePage(value.subarray(bucketHeadBytes), 0) : root);
  }

  /** Undefined for a bucket that lies inside a value. */
  get rootPage(): number | undefined {
    return typeof this.#root === "number" ? this.#root : undefined;
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const found = await this.#find(key);
    return found === undefined || found.isBucket ? undefined : found.value;
  }

  async bucket(name: Uint8Array): Promise<Bucket | undefined> {
    const found = await this.#find(name);
    return found?.isBucket === true ? Bucket.of(this.#pages, found) : undefined;
  }

  /** All keys with values in order, in runs; buckets are left out. In memory are the pages of one way down. */
  async *entries(): AsyncGenerator<readonly Entry[]> {
    for await (const leaf of this.leaves()) {
      const run: Entry[] = [];
      for (let index = 0; index < leaf.count; index++) {
        const entry = leaf.entry(index);
        if (!entry.isBucket) run.push(entry);
      }
      if (run.length > 0) yield run;
    }
  }

  async *buckets(): AsyncGenerator<{ readonly name: Uint8Array; readonly bucket: Bucket }> {
    for await (const leaf of this.leaves()) {
      for (let index = 0; index < leaf.count; index++) {
        const entry = leaf.entry(index);
        if (entry.isBucket) yield { name: entry.key, bucket: Bucket.of(this.#pages, entry) };
      }
    }
  }

  async *leaves(): AsyncGenerator<TreePage> {
    if (typeof this.#root !== "number") {
      yield this.#root;
      return;
    }
    const waiting = [this.#root];
    for (let seen = 0; waiting.length > 0; seen++) {
      // A damaged file may send readers in circles.
      if (seen > this.#pages.count) throw invalid("a page is its own ancestor");
      const page = await this.#pages.tree(waiting.pop() as number);
      if (page.isLeaf) yield page;
      else for (let index = page.count - 1; index >= 0; index--) waiting.push(page.child(index));
    }
  }

  async #find(key: Uint8Array): Promise<LeafEntry | undefined> {
    let page = typeof this.#root === "number" ? await this.#pages.tree(this.#root) : this.#root;
    for (let depth = 0; !page.isLeaf; depth++) {
      if (depth > 64 || page.count === 0) throw invalid(`page ${page.id}: leads nowhere`);
      // The last child that does not begin after the key; the first also holds what is smaller than its key.
      page = await this.#pages.tree(page.child(Math.max(0, lastNotAfter(page, key))));
    }
    const index = lastNotAfter(page, key);
    const found = index < 0 ? undefined : page.entry(index);
    return found !== undefined && compareBytes(found.key, key) === 0 ? found : undefined;
  }
}

/** Index of the last element whose key is not after `key`; -1 if there is none. */
function lastNotAfter(page: TreePage, key: Uint8Array): number {
  let low = 0;
  let high = page.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareBytes(page.key(middle), key) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
