import { createHash, randomBytes } from "node:crypto";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ImageError } from "./image-error.ts";

/** `sha256:` and 64 hexadecimal digits. The only algorithm registries use. */
export type Digest = string;

const digestForm = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: string): boolean {
  return digestForm.test(text);
}

export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/**
 * Blobs under the digest of their bytes. A blob appears whole or not at all (written elsewhere, then renamed), and never changes: any number of
 * processes may add at once without a lock. Who deletes must know that nobody is about to name a blob: see ImageStore.
 */
export class ContentStore {
  readonly #blobs: string;
  readonly #ingest: string;

  constructor(dir: string) {
    this.#blobs = join(dir, "blobs", "sha256");
    this.#ingest = join(dir, "ingest");
    mkdirSync(this.#blobs, { recursive: true, mode: 0o700 });
    mkdirSync(this.#ingest, { recursive: true, mode: 0o700 });
  }

  path(digest: Digest): string {
    // A digest comes from a document that a stranger wrote, and becomes a path.
    if (!isDigest(digest)) throw new ImageError(`unsupported digest ${JSON.stringify(digest)}: only sha256 is known`);
    return join(this.#blobs, digest.slice("sha256:".length));
  }

  has(digest: Digest): boolean {
    return existsSync(this.path(digest));
  }

  size(digest: Digest): number {
    return statSync(this.path(digest)).size;
  }

  read(digest: Digest): Buffer {
    try {
      return readFileSync(this.path(digest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      throw new ImageError(`content ${digest}: not found`, { cause: error });
    }
  }

  open(digest: Digest): Readable {
    return createReadStream(this.path(digest));
  }

  /** Returns its digest. */
  async write(bytes: Uint8Array | string): Promise<Digest> {
    const digest = digestOf(bytes);
    if (!this.has(digest)) await this.ingest([Buffer.from(bytes)], digest);
    return digest;
  }

  /** Stores a stream. Rejects with ImageError, and keeps nothing, when its bytes are not those of `expected`. */
  async ingest(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, expected?: Digest): Promise<Digest> {
    const temporary = join(this.#ingest, randomBytes(8).toString("hex"));
    const hash = createHash("sha256");
    async function* hashed() {
      for await (const chunk of source) {
        hash.update(chunk);
        yield chunk;
      }
    }
    try {
      await pipeline(hashed(), createWriteStream(temporary, { mode: 0o600, flush: true }));
      const digest = `sha256:${hash.digest("hex")}`;
      if (expected !== undefined && digest !== expected)
        throw new ImageError(`unexpected content: the digest is ${digest}, expected ${expected}`);
      renameSync(temporary, this.path(digest));
      return digest;
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  /** Where a download that may be interrupted gathers. It survives a restart. */
  partial(digest: Digest): string {
    return join(this.#ingest, `${this.path(digest).slice(this.#blobs.length + 1)}.part`);
  }

  /** Takes a gathered download in. Rejects, and discards it, when the bytes are not what they should be. */
  async adopt(file: string, digest: Digest): Promise<void> {
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
    const actual = `sha256:${hash.digest("hex")}`;
    if (actual !== digest) {
      rmSync(file, { force: true });
      throw new ImageError(`unexpected content: the digest is ${actual}, expected ${digest}`);
    }
    renameSync(file, this.path(digest));
  }

  /** Deletes all blobs but these. */
  async keepOnly(wanted: ReadonlySet<Digest>): Promise<void> {
    for (const name of await readdir(this.#blobs)) {
      if (!wanted.has(`sha256:${name}`)) await rm(join(this.#blobs, name), { force: true });
    }
  }
}
