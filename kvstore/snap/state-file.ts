import { createHash } from "node:crypto";
import { assert } from "../../base/mod.ts";
import { type Scan, type Work, withBuckets } from "../mvcc/mod.ts";
import { databaseFile, inBlobs } from "./database-file.ts";

const pieceBytes = 128 * 1024;
const sizeBytes = 8;

/** The state as the file that etcd would have. Pieces: its length (8 bytes, big-endian); the file; its SHA-256. */
export const work: Work = {
  module: import.meta.url,
  scans: 2,
  async *run(scans) {
    const [first, second] = scans as [Scan, Scan];
    const file = await databaseFile(withBuckets(first), withBuckets(second));
    const size = Buffer.alloc(sizeBytes);
    size.writeBigUInt64BE(BigInt(file.sizeBytes));
    yield size;
    const sha256 = createHash("sha256");
    for await (const piece of inBlobs(file.pieces, pieceBytes)) {
      sha256.update(piece);
      yield piece;
    }
    yield sha256.digest();
  },
};

/** What `work` makes, taken apart. */
export interface StateFile {
  readonly sizeBytes: number;
  /** Each may be used until the next one is asked for. */
  readonly pieces: AsyncGenerator<Uint8Array>;
  /** Is there when all pieces are read. */
  sha256(): Uint8Array;
}

export async function readStateFile(made: AsyncGenerator<Uint8Array>): Promise<StateFile> {
  const first = await made.next();
  assert(!first.done, "a file has a length");
  const { buffer, byteOffset } = first.value;
  const size = Number(new DataView(buffer, byteOffset).getBigUint64(0));
  let sha256: Uint8Array | undefined;
  async function* pieces(): AsyncGenerator<Uint8Array> {
    let remaining = size;
    for await (const piece of made) {
      if (remaining === 0) sha256 = piece.slice();
      else yield piece;
      remaining -= piece.length;
    }
  }
  return {
    sizeBytes: size,
    pieces: pieces(),
    sha256() {
      assert(sha256 !== undefined, "the hash comes after the file");
      return sha256;
    },
  };
}
