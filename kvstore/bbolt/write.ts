import { assert, concatBytes } from "../../base/mod.ts";
import { defaultPageSize, pageFlags, viewOf, writePageHead } from "./format.ts";
import { type Layout, Layouter, type Record, type WriteOptions } from "./layout.ts";
import { encodeMeta } from "./meta.ts";
import { encodeBranch, encodeLeaf } from "./page.ts";
import type { PageSink } from "./tree.ts";

/** The records in runs of any length, as long as their order is right. */
export type RecordRuns = AsyncIterable<readonly Record[]>;

/**
 * A file is streamed from front to back, and its first pages say where the last ones are and how many there are. So the records are
 * gone through twice: `measure` lays them out without copying a byte, `write` makes the same pages again and gives them out.
 */
export async function measure(records: RecordRuns, options: WriteOptions): Promise<Layout> {
  const layouter = new Layouter({ leaf: () => undefined, branch: () => undefined }, options);
  for await (const run of records) for (const record of run) layouter.add(record);
  return layouter.finish();
}

/** Bytes of the whole file. */
export function fileBytes({ pageCount }: Layout, { pageSize = defaultPageSize }: WriteOptions): number {
  return pageCount * pageSize;
}

/** The file in pieces, whole pages each, which stay as they are. The records must be those that were measured. In memory are about one run
 * and a page for each level of a tree. */
export async function* write(records: RecordRuns, layout: Layout, options: WriteOptions): AsyncGenerator<Uint8Array> {
  const { pageSize = defaultPageSize } = options;
  const meta = { pageSize, root: layout.root, freelist: layout.freelist, pageCount: layout.pageCount };
  // A database is born with both: whichever is torn later, the other is good.
  yield concatBytes([encodeMeta({ ...meta, transaction: 0 }), encodeMeta({ ...meta, transaction: 1 })]);
  const pages = new PageSpace(pageSize);
  const layouter = new Layouter(encoder(pages), options);
  for await (const run of records) {
    for (const record of run) layouter.add(record);
    yield* pages.written();
  }
  const { root, freelist, pageCount } = layouter.finish();
  yield* pages.written();
  assert(
    root === layout.root && freelist === layout.freelist && pageCount === layout.pageCount,
    "what is written is what was measured",
  );
  const empty = new Uint8Array(pageSize);
  writePageHead(viewOf(empty), freelist, pageFlags.freelist, 0, 0);
  yield empty;
}

function encoder(pages: PageSpace): PageSink {
  return {
    leaf: (id, count, entries) => encodeLeaf(pages.take(count), id, count - 1, entries),
    branch: (id, count, children) => encodeBranch(pages.take(count), id, count - 1, children),
  };
}

const blockPages = 64;

/** Room for pages, back to back in blocks: a buffer for each page would be one more for the garbage collector to look after. */
class PageSpace {
  readonly #pageSize: number;
  /** Full, or at least not used any further. */
  readonly #ready: Uint8Array[] = [];
  #block = new Uint8Array(0);
  /** Of the block: what is before `#shown` was given out to read, what is before `#taken` to write. */
  #shown = 0;
  #taken = 0;

  constructor(pageSize: number) {
    this.#pageSize = pageSize;
  }

  /** Room for so many pages, all zero, to be filled at once. */
  take(pages: number): Uint8Array {
    const bytes = pages * this.#pageSize;
    if (this.#taken + bytes > this.#block.length) {
      this.#show();
      this.#block = new Uint8Array(Math.max(pages, blockPages) * this.#pageSize);
      this.#shown = 0;
      this.#taken = 0;
    }
    this.#taken += bytes;
    return this.#block.subarray(this.#taken - bytes, this.#taken);
  }

  /** What was filled since the last call, in order. */
  written(): Uint8Array[] {
    this.#show();
    return this.#ready.splice(0);
  }

  #show(): void {
    if (this.#shown === this.#taken) return;
    this.#ready.push(this.#block.subarray(this.#shown, this.#taken));
    this.#shown = this.#taken;
  }
}
