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

/** The file in pieces, whole pages each. The records must be those that were measured. In memory are about one run and a page for each
 * level of a tree. */
export async function* write(records: RecordRuns, layout: Layout, options: WriteOptions): AsyncGenerator<Uint8Array> {
  const { pageSize = defaultPageSize } = options;
  const meta = { pageSize, root: layout.root, freelist: layout.freelist, pageCount: layout.pageCount };
  // A database is born with both: whichever is torn later, the other is good.
  yield concatBytes([encodeMeta({ ...meta, transaction: 0 }), encodeMeta({ ...meta, transaction: 1 })]);
  const ready: Uint8Array[] = [];
  const layouter = new Layouter(encoder(pageSize, ready), options);
  for await (const run of records) {
    for (const record of run) layouter.add(record);
    yield* ready.splice(0);
  }
  const { root, freelist, pageCount } = layouter.finish();
  yield* ready.splice(0);
  assert(
    root === layout.root && freelist === layout.freelist && pageCount === layout.pageCount,
    "what is written is what was measured",
  );
  const empty = new Uint8Array(pageSize);
  writePageHead(viewOf(empty), freelist, pageFlags.freelist, 0, 0);
  yield empty;
}

function encoder(pageSize: number, ready: Uint8Array[]): PageSink {
  const page = (pages: number) => {
    const bytes = new Uint8Array(pages * pageSize);
    ready.push(bytes);
    return bytes;
  };
  return {
    leaf: (id, pages, entries) => encodeLeaf(page(pages), id, pages - 1, entries),
    branch: (id, pages, children) => encodeBranch(page(pages), id, pages - 1, children),
  };
}
