import { Bucket } from "./bucket.ts";
import { freelistCountLimit, pageFlags, pageHeadBytes, readSmallUint64, viewOf } from "./format.ts";
import { invalid } from "./invalid.ts";
import { decodeMeta, type Meta, type MetaProblem, metaBytes } from "./meta.ts";
import { Pages, type RandomAccess } from "./pages.ts";

/** A file of bbolt, open for reading. Its bytes must not change meanwhile. */
export class Database {
  readonly meta: Meta;
  readonly pages: Pages;
  /** The bucket that holds all others. */
  readonly root: Bucket;

  private constructor(file: RandomAccess, meta: Meta) {
    this.meta = meta;
    this.pages = new Pages(file, meta.pageSize, meta.pageCount);
    this.root = new Bucket(this.pages, meta.root);
  }

  /** Rejects with a `Failure` if no meta page is whole, or the file is shorter than it says. */
  static async open(file: RandomAccess): Promise<Database> {
    const meta = await readMeta(file);
    if (typeof meta === "string") throw invalid(meta);
    if (meta.pageSize < 512 || meta.pageSize > largestPageSize) throw invalid("invalid database");
    if (meta.pageCount * meta.pageSize > file.sizeBytes) throw invalid("file size too small");
    return new Database(file, meta);
  }

  /** Bytes in use: the file may be longer. */
  get sizeBytes(): number {
    return this.meta.pageCount * this.meta.pageSize;
  }

  /** Pages that are free, as the file lists them; undefined if it does not. */
  async freePages(): Promise<readonly number[] | undefined> {
    const { freelist } = this.meta;
    if (freelist === undefined) return undefined;
    const bytes = await this.pages.whole(freelist);
    const view = viewOf(bytes);
    if (view.getUint16(8, true) !== pageFlags.freelist) throw invalid(`page ${freelist}: is not a free list`);
    let count = view.getUint16(10, true);
    let at = pageHeadBytes;
    if (count === freelistCountLimit) {
      count = readSmallUint64(view, at);
      at += 8;
    }
    if (at + count * 8 > bytes.length) throw invalid(`page ${freelist}: has more elements than room`);
    return Array.from({ length: count }, (_, index) => readSmallUint64(view, at + index * 8));
  }
}

const largestPageSize = 1024 << 15;

/** The newest meta that is whole. */
async function readMeta(file: RandomAccess): Promise<Meta | MetaProblem> {
  const first = decodeMeta(await file.read(0, metaBytes));
  if (typeof first !== "string") {
    const second = decodeMeta(await file.read(first.pageSize, metaBytes));
    return typeof second !== "string" && second.transaction > first.transaction ? second : first;
  }
  // Where the second one begins is written on the first: all sizes are tried, as bbolt does.
  for (let pageSize = 1024; pageSize <= largestPageSize; pageSize *= 2) {
    const second = decodeMeta(await file.read(pageSize, metaBytes));
    if (typeof second !== "string" && second.pageSize === pageSize) return second;
  }
  return first;
}
