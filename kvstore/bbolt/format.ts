// The file format of bbolt, version 2 (etcd-io/bbolt: internal/common/). A file is an array of pages, named by their position; numbers
// are little-endian. A page begins with a head:
//
//     id u64 | flags u16 | count u16 | overflow u32        overflow: how many more pages this one takes
//
// Branch and leaf pages go on with `count` elements of 16 bytes, then keys and values, which elements find by their distance from
// themselves:
//
//     branch: position u32 | key length u32 | page u64
//     leaf:   flags u32 | position u32 | key length u32 | value length u32
//
// A leaf's value with the bucket flag is another tree: its root page and a sequence number. Root page 0 means that the tree is one leaf page,
// which follows right there ("inline").

export const magic = 0xed0c_daed;
export const formatVersion = 2;
export const defaultPageSize = 4096;

export const pageHeadBytes = 16;
export const elementBytes = 16;
/** Root page u64, sequence u64. */
export const bucketHeadBytes = 16;

export const pageFlags = { branch: 0x01, leaf: 0x02, meta: 0x04, freelist: 0x10 } as const;
export const bucketFlag = 0x01;

/** A free list with at least so many pages has its length in front instead of in the page's head. */
export const freelistCountLimit = 0xffff;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A page number, or another u64 that is small in every sane file; `Infinity` if it is not. */
export function readSmallUint64(view: DataView, at: number): number {
  const value = view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000;
  return Number.isSafeInteger(value) ? value : Number.POSITIVE_INFINITY;
}

export function writeUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

export function writePageHead(view: DataView, id: number, flags: number, count: number, overflow: number): void {
  writeUint64(view, 0, id);
  view.setUint16(8, flags, true);
  view.setUint16(10, count, true);
  view.setUint32(12, overflow, true);
}
