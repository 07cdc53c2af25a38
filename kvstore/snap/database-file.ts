import { fileBytes, measure, write } from "../bbolt/mod.ts";
import { asEtcd, etcdBuckets, type StateRuns } from "./etcd-records.ts";

/** A state as the file that etcd would have. */
export interface DatabaseFile {
  readonly sizeBytes: number;
  /** From front to back, in whole pages. */
  readonly pieces: AsyncGenerator<Uint8Array>;
}

/** Makes a file of two streams of the same state: one is read now, for the size, the other while the file is. */
export async function databaseFile(first: StateRuns, second: StateRuns): Promise<DatabaseFile> {
  const options = { buckets: etcdBuckets };
  const layout = await measure(asEtcd(first), options);
  return { sizeBytes: fileBytes(layout, options), pieces: write(asEtcd(second), layout, options) };
}

/** Cuts a stream of bytes, which stay as they are, into pieces of one length; the last may be shorter. Copies only where a blob consists of
 * several pieces. */
export async function* inBlobs(pieces: AsyncIterable<Uint8Array>, blobBytes: number): AsyncGenerator<Uint8Array> {
  let blob: Uint8Array | undefined;
  let filled = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      if (blob === undefined && piece.length - at >= blobBytes) {
        yield piece.subarray(at, at + blobBytes);
        at += blobBytes;
        continue;
      }
      blob ??= new Uint8Array(blobBytes);
      const part = piece.subarray(at, at + blobBytes - filled);
      blob.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < blobBytes) continue;
      yield blob;
      blob = undefined;
      filled = 0;
    }
  }
  if (blob !== undefined) yield blob.subarray(0, filled);
}
