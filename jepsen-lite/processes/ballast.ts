import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/** A file that takes all the room that is left where it lies. */
export class Ballast {
  readonly #file: string;

  constructor(directory: string) {
    this.#file = join(directory, "ballast");
  }

  /** Bytes that it took. Who writes after this gets ENOSPC. */
  fill(): number {
    const file = openSync(this.#file, "a");
    let taken = 0;
    try {
      for (let size = 1 << 20; size >= 1; size = size > 1 ? size >> 6 : 0) taken += writeAll(file, size);
    } finally {
      closeSync(file);
    }
    return taken;
  }

  remove(): void {
    rmSync(this.#file, { force: true });
  }
}

/** Pieces of one size, until there is no room for another. */
function writeAll(file: number, size: number): number {
  const piece = Buffer.alloc(size, 1);
  for (let taken = 0; ; ) {
    try {
      taken += writeSync(file, piece);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOSPC") return taken;
      throw error;
    }
  }
}
