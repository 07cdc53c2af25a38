import { compareBytes, toHex } from "../../base/mod.ts";
import type { Bucket } from "./bucket.ts";
import type { Database } from "./database.ts";
import type { TreePage } from "./page.ts";

/** Enough to know that a file is broken. */
const mostErrors = 100;

/** What is wrong with a file, in bbolt's words (its `Tx.Check`): each page is in one tree or free, and keys are in order. Empty if all
 * is well. Takes one byte of memory a page. */
export async function check(database: Database): Promise<readonly string[]> {
  const checker = new Checker(database);
  try {
    await checker.run();
  } catch (error) {
    checker.errors.push((error as Error).message);
  }
  return checker.errors;
}

const reached = 1;
const free = 2;

class Checker {
  readonly errors: string[] = [];
  readonly #database: Database;
  readonly #state: Uint8Array;

  constructor(database: Database) {
    this.#database = database;
    this.#state = new Uint8Array(database.meta.pageCount);
  }

  async run(): Promise<void> {
    const { meta, root, pages } = this.#database;
    const freePages = await this.#database.freePages();
    for (const page of freePages ?? []) {
      if (this.#state[page] === free) this.errors.push(`page ${page}: already freed`);
      this.#state[page] = free;
    }
    this.#state.fill(reached, 0, 2);
    if (meta.freelist !== undefined) {
      const overflow = (await pages.whole(meta.freelist)).length / meta.pageSize - 1;
      this.#state.fill(reached, meta.freelist, meta.freelist + 1 + overflow);
    }
    await this.#bucket(root);
    // Without a list, what no tree reaches is free.
    if (freePages === undefined) return;
    for (const [page, state] of this.#state.entries()) {
      if (state === 0 && this.errors.length < mostErrors) this.errors.push(`page ${page}: unreachable unfreed`);
    }
  }

  async #bucket(bucket: Bucket): Promise<void> {
    if (bucket.rootPage !== undefined) await this.#page(bucket.rootPage, undefined, undefined);
    for await (const child of bucket.buckets()) await this.#bucket(child.bucket);
  }

  /** `from` is the key under which the page above has it, `to` the next one there. */
  async #page(id: number, from: Uint8Array | undefined, to: Uint8Array | undefined): Promise<void> {
    const page = await this.#database.pages.tree(id);
    if (!this.#reach(page)) return;
    let before = from;
    for (let index = 0; index < page.count; index++) {
      const key = page.key(index);
      this.#order(page, index, key, before, to);
      if (!page.isLeaf) await this.#page(page.child(index), key, index + 1 < page.count ? page.key(index + 1) : to);
      before = key;
    }
  }

  /** False if going on would go in circles. */
  #reach(page: TreePage): boolean {
    let fresh = true;
    for (let id = page.id; id <= page.id + page.overflow; id++) {
      if (this.#state[id] === reached) {
        this.errors.push(`page ${id}: multiple references (stack: [])`);
        fresh = false;
      } else if (this.#state[id] === free) this.errors.push(`page ${id}: reachable freed`);
      this.#state[id] = reached;
    }
    return fresh && this.errors.length < mostErrors;
  }

  #order(
    page: TreePage,
    index: number,
    key: Uint8Array,
    before: Uint8Array | undefined,
    to: Uint8Array | undefined,
  ): void {
    const where = `key[${index}]=(hex)${toHex(key)} on ${page.isLeaf ? "leaf" : "branch"} page(${page.id})`;
    const order = before === undefined ? 1 : compareBytes(key, before);
    if (index === 0 && order < 0) this.errors.push(`the first ${where} needs to be >= the key in the ancestor`);
    if (index > 0 && order <= 0) this.errors.push(`${where} needs to be > than previous element`);
    if (to !== undefined && compareBytes(key, to) >= 0)
      this.errors.push(`${where} needs to be < than key of the next element in ancestor`);
  }
}
