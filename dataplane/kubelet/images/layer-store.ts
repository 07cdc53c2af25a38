import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "../../../base/mod.ts";
import type { ContentStore } from "./content-store.ts";
import { decompressed } from "./decompress.ts";
import { ImageError } from "./image-error.ts";
import type { StoredImage } from "./image-store.ts";
import { unpackLayer } from "./unpack.ts";

/**
 * Unpacked layers, as overlayfs wants them. A layer's name stands for it and all below it (the specification's chain id, shortened): how
 * it hides what is below depends on that. A directory appears whole or not at all.
 */
export class LayerStore {
  readonly #dir: string;
  readonly #content: ContentStore;
  readonly #log: Log;
  /** Under way in this process: two containers of one image unpack it once. */
  readonly #unpacking = new Map<string, Promise<void>>();

  constructor(dir: string, content: ContentStore, log: Log) {
    this.#dir = join(dir, "layers");
    this.#content = content;
    this.#log = log;
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    // An unpacking that a crash cut short; nobody else's: a node's layers have one owner.
    for (const name of readdirSync(this.#dir)) {
      if (name.endsWith(".tmp")) rmSync(join(this.#dir, name), { recursive: true, force: true });
    }
  }

  /** Directory all layers lie in. Mount options hold their short names, relative to it: the kernel takes one page of options. */
  get dir(): string {
    return this.#dir;
  }

  /** Unpacks what is missing; returns the names of the image's layers, topmost first. */
  async prepare(image: StoredImage): Promise<readonly string[]> {
    const names = layerNames(image);
    for (const [i, name] of names.entries()) {
      const unpacking = this.#unpacking.get(name) ?? this.#unpack(image, i, names);
      this.#unpacking.set(name, unpacking);
      try {
        await unpacking;
      } finally {
        this.#unpacking.delete(name);
      }
    }
    return names.toReversed();
  }

  async #unpack(image: StoredImage, index: number, names: readonly string[]): Promise<void> {
    const dir = join(this.#dir, names[index] as string);
    if (existsSync(dir)) return;
    const { digest } = image.manifest.layers[index] as { digest: string };
    const temporary = join(this.#dir, `${randomBytes(6).toString("hex")}.tmp`);
    mkdirSync(temporary, { mode: 0o755 });
    const hash = createHash("sha256");
    const plain = await decompressed(this.#content.open(digest));
    const hashed = (async function* () {
      for await (const chunk of plain) {
        hash.update(chunk as Buffer);
        yield chunk as Buffer;
      }
    })();
    try {
      await unpackLayer(hashed, {
        dir: temporary,
        below: names
          .slice(0, index)
          .map((name) => join(this.#dir, name))
          .reverse(),
        makeWhiteout: (path) => execFileSync("mknod", [path, "c", "0", "0"], { stdio: ["ignore", "ignore", "pipe"] }),
        warn: (message) => this.#log("warn", "image layer", { layer: digest, message }),
      });
      const actual = `sha256:${hash.digest("hex")}`;
      const expected = image.configuration.rootfs.diff_ids[index];
      if (actual !== expected)
        throw new ImageError(`layer ${digest} is not what its image says: unpacked ${actual}, expected ${expected}`);
      renameSync(temporary, dir);
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true });
      throw error;
    }
  }

  /** Deletes layers of no image, but not those in `inUse`: containers outlive the image they were made of. */
  keepOnly(images: readonly StoredImage[], inUse: Iterable<string>): void {
    const wanted = new Set([...inUse, ...images.flatMap(layerNames), ...this.#unpacking.keys()]);
    for (const name of readdirSync(this.#dir)) {
      if (!wanted.has(name) && !name.endsWith(".tmp")) rmSync(join(this.#dir, name), { recursive: true, force: true });
    }
  }
}

/** Bottom first. ChainID(L0..Ln) = sha256(ChainID(L0..Ln-1) + " " + DiffID(Ln)), as the image specification defines it. */
function layerNames({ configuration }: StoredImage): string[] {
  let chain = "";
  return configuration.rootfs.diff_ids.map((diffId) => {
    chain = chain === "" ? diffId : `sha256:${createHash("sha256").update(`${chain} ${diffId}`).digest("hex")}`;
    return chain.slice("sha256:".length, "sha256:".length + 24);
  });
}
