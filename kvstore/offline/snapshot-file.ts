import { createHash } from "node:crypto";
import { type FileHandle, open, stat } from "node:fs/promises";
import { Failure } from "../../base/mod.ts";
import { Database, type RandomAccess } from "../bbolt/mod.ts";

const checksumBytes = 32;
/** Shorter than any page: a file that is this much longer than whole sectors ends with a checksum, as etcd tells it. */
const sectorBytes = 512;
const pieceBytes = 1 << 20;

/** A file of bbolt on the disk, perhaps with the SHA-256 behind it that `snapshot save` puts there. */
export class SnapshotFile {
  readonly database: Database;
  readonly hasChecksum: boolean;
  readonly #file: FileHandle;
  readonly #databaseBytes: number;

  private constructor(file: FileHandle, database: Database, databaseBytes: number, hasChecksum: boolean) {
    this.#file = file;
    this.database = database;
    this.#databaseBytes = databaseBytes;
    this.hasChecksum = hasChecksum;
  }

  /** Rejects with a `Failure` if there is no such file, or it is none of bbolt. */
  static async open(path: string): Promise<SnapshotFile> {
    const found = await stat(path).catch((error: unknown) => {
      throw asGo("stat", path, error);
    });
    if (found.isDirectory()) throw asGo("read", path, { code: "EISDIR" });
    const { size } = found;
    const file = await open(path, "r").catch((error: unknown) => {
      throw asGo("open", path, error);
    });
    try {
      const hasChecksum = size % sectorBytes === checksumBytes;
      const databaseBytes = hasChecksum ? size - checksumBytes : size;
      return new SnapshotFile(file, await Database.open(access(file, databaseBytes)), databaseBytes, hasChecksum);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Rejects with a `Failure` if the checksum is missing or another. */
  async verify(): Promise<void> {
    if (!this.hasChecksum) {
      throw new Failure(
        "SnapshotWithoutHash",
        "snapshot missing hash but --skip-hash-check=false",
        "Give --skip-hash-check if the file was copied from a data directory",
      );
    }
    const sha256 = createHash("sha256");
    for (let at = 0; at < this.#databaseBytes; at += pieceBytes) {
      sha256.update(await read(this.#file, at, Math.min(pieceBytes, this.#databaseBytes - at)));
    }
    const [expected, found] = [await read(this.#file, this.#databaseBytes, checksumBytes), sha256.digest()];
    if (found.equals(expected)) return;
    const numbers = (bytes: Uint8Array) => `[${bytes.join(" ")}]`;
    throw new Failure(
      "SnapshotDamaged",
      `expected sha256 ${numbers(expected)}, got ${numbers(found)}`,
      "Take the snapshot again, or give --skip-hash-check to use what is there",
    );
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

function access(file: FileHandle, sizeBytes: number): RandomAccess {
  return {
    sizeBytes,
    read: (position, length) => read(file, position, Math.min(length, Math.max(0, sizeBytes - position))),
  };
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EISDIR: "is a directory",
  ENOTDIR: "not a directory",
};

/** The sentence that Go's `os` package makes of an error, since scripts read it. */
export function asGo(operation: string, path: string, error: unknown): Failure {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return new Failure(
    "FileUnreadable",
    `${operation} ${path}: ${reasons[code] ?? message}`,
    "Check the path and its permissions",
    error,
  );
}
