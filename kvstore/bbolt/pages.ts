import { pageHeadBytes, viewOf } from "./format.ts";
import { invalid } from "./invalid.ts";
import { TreePage } from "./page.ts";

/** The file, and the room's only seam to the machine. */
export interface RandomAccess {
  readonly sizeBytes: number;
  /** At most `length` bytes from `position`; fewer only at the end of the file. Nobody changes them later. */
  read(position: number, length: number): Promise<Uint8Array>;
}

const blockBytes = 256 * 1024;
/** Blocks kept: 4 MiB. */
const blocksKept = 16;

/** Pages of a file, read in blocks, since neighbours are mostly wanted together. Pages are views of blocks, which live as long as
 * somebody holds such a view. */
export class Pages {
  readonly pageSize: number;
  /** Number of pages in use. */
  readonly count: number;
  readonly #file: RandomAccess;
  /** Latest used last. */
  readonly #blocks = new Map<number, Uint8Array>();

  constructor(file: RandomAccess, pageSize: number, count: number) {
    this.#file = file;
    this.pageSize = pageSize;
    this.count = count;
  }

  /** A branch or leaf page with its overflow. */
  async tree(id: number): Promise<TreePage> {
    return new TreePage(await this.whole(id), id);
  }

  /** Any page with its overflow. */
  async whole(id: number): Promise<Uint8Array> {
    if (id >= this.count) throw invalid(`page ${id}: out of bounds: ${this.count}`);
    const first = await this.#bytes(id * this.pageSize, this.pageSize);
    const overflow = viewOf(first.subarray(0, pageHeadBytes)).getUint32(12, true);
    if (overflow === 0) return first;
    if (id + overflow >= this.count) throw invalid(`page ${id}: goes on behind the end of the file`);
    return this.#bytes(id * this.pageSize, (1 + overflow) * this.pageSize);
  }

  async #bytes(position: number, length: number): Promise<Uint8Array> {
    const number = Math.floor(position / blockBytes);
    const start = position - number * blockBytes;
    if (start + length <= blockBytes)
      return complete((await this.#block(number)).subarray(start, start + length), length);
    return complete(await this.#file.read(position, length), length);
  }

  async #block(number: number): Promise<Uint8Array> {
    let block = this.#blocks.get(number);
    if (block === undefined) block = await this.#file.read(number * blockBytes, blockBytes);
    else this.#blocks.delete(number);
    this.#blocks.set(number, block);
    if (this.#blocks.size > blocksKept) this.#blocks.delete(this.#blocks.keys().next().value as number);
    return block;
  }
}

function complete(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length < length) throw invalid("the file is shorter than it says");
  return bytes;
}
