import {
  formatVersion,
  magic,
  pageFlags,
  pageHeadBytes,
  readSmallUint64,
  viewOf,
  writePageHead,
  writeUint64,
} from "./format.ts";

/** What a meta page says. There are two, written in turn; the one of the later transaction that is whole counts. */
export interface Meta {
  readonly pageSize: number;
  /** Root page of the bucket that holds all others. */
  readonly root: number;
  /** Undefined: the list was not written, and is what no bucket reaches. etcd's own files are like this. */
  readonly freelist: number | undefined;
  /** Number of pages in use: the file may be longer. */
  readonly pageCount: number;
  readonly transaction: number;
}

/** As bbolt says it. */
export type MetaProblem = "invalid database" | "version mismatch" | "checksum error";

/** From the start of the meta, which lies behind the page's head: magic, version, page size, flags (u32 each), root and its sequence,
 * free list, page count, transaction, checksum (u64 each). */
const offsets = {
  version: 4,
  pageSize: 8,
  root: 16,
  freelist: 32,
  pageCount: 40,
  transaction: 48,
  checksum: 56,
} as const;
export const metaBytes = pageHeadBytes + 64;
const noFreelist = 0xffff_ffff;

/** Of the first bytes of a page. */
export function decodeMeta(page: Uint8Array): Meta | MetaProblem {
  if (page.length < metaBytes) return "invalid database";
  const bytes = page.subarray(pageHeadBytes, metaBytes);
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== magic) return "invalid database";
  if (view.getUint32(offsets.version, true) !== formatVersion) return "version mismatch";
  if (view.getBigUint64(offsets.checksum, true) !== fnv1a(bytes.subarray(0, offsets.checksum))) return "checksum error";
  const hasFreelist =
    view.getUint32(offsets.freelist, true) !== noFreelist || view.getUint32(offsets.freelist + 4, true) !== noFreelist;
  return {
    pageSize: view.getUint32(offsets.pageSize, true),
    root: readSmallUint64(view, offsets.root),
    freelist: hasFreelist ? readSmallUint64(view, offsets.freelist) : undefined,
    pageCount: readSmallUint64(view, offsets.pageCount),
    transaction: readSmallUint64(view, offsets.transaction),
  };
}

/** The page that a transaction's meta belongs on, at whole size. */
export function encodeMeta(meta: Meta): Uint8Array {
  const page = new Uint8Array(meta.pageSize);
  writePageHead(viewOf(page), meta.transaction % 2, pageFlags.meta, 0, 0);
  const bytes = page.subarray(pageHeadBytes, metaBytes);
  const view = viewOf(bytes);
  view.setUint32(0, magic, true);
  view.setUint32(offsets.version, formatVersion, true);
  view.setUint32(offsets.pageSize, meta.pageSize, true);
  writeUint64(view, offsets.root, meta.root);
  if (meta.freelist === undefined) view.setBigUint64(offsets.freelist, 0xffff_ffff_ffff_ffffn, true);
  else writeUint64(view, offsets.freelist, meta.freelist);
  writeUint64(view, offsets.pageCount, meta.pageCount);
  writeUint64(view, offsets.transaction, meta.transaction);
  view.setBigUint64(offsets.checksum, fnv1a(bytes.subarray(0, offsets.checksum)), true);
  return page;
}

/** FNV-1a, 64 bits. */
function fnv1a(bytes: Uint8Array): bigint {
  let hash = 0xcbf2_9ce4_8422_2325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100_0000_01b3n);
  return hash;
}
