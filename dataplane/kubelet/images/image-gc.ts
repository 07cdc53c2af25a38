import { statfsSync } from "node:fs";
import type { Clock, Log } from "../../../base/mod.ts";
import type { Image, ImageService, RuntimeService } from "../runtime/cri.ts";

export interface ImageGcPolicy {
  /** Above so many percent of the disk images are removed, down to `lowPercent`. */
  readonly highPercent: number;
  readonly lowPercent: number;
  /** An image that was not here so long ago is spared: somebody is about to use it. */
  readonly minAgeMs: number;
}

export const defaultImageGcPolicy: ImageGcPolicy = { highPercent: 85, lowPercent: 80, minAgeMs: 120_000 };

export interface ImageGcOptions {
  readonly runtime: Pick<RuntimeService, "listContainers"> & ImageService;
  readonly clock: Clock;
  readonly log: Log;
  readonly policy?: ImageGcPolicy;
  /** Size of the file system a path is on, and what is free of it, in bytes. */
  readonly statfs?: (path: string) => { readonly capacity: number; readonly available: number };
}

interface Seen {
  readonly firstMs: number;
  usedMs: number;
}

/** Removes images nobody uses when the disk fills, the longest unused first (pkg/kubelet/images/image_gc_manager.go). */
export class ImageGc {
  readonly #options: ImageGcOptions;
  readonly #policy: ImageGcPolicy;
  readonly #seen = new Map<string, Seen>();

  constructor(options: ImageGcOptions) {
    this.#options = options;
    this.#policy = options.policy ?? defaultImageGcPolicy;
  }

  /** Rejects when the disk is fuller than it may be and not enough could be freed. */
  async collect(): Promise<void> {
    const inUse = await this.#look();
    const { mountpoint } = await this.#options.runtime.imageFsInfo();
    const { capacity, available } = (this.#options.statfs ?? statfs)(mountpoint);
    if (capacity <= 0) return;
    const percent = 100 - Math.floor((available * 100) / capacity);
    if (percent < this.#policy.highPercent) return;
    const wanted = (capacity * (100 - this.#policy.lowPercent)) / 100 - available;
    this.#options.log("info", "the disk is filling up, unused images go", { percent, wantedBytes: Math.ceil(wanted) });
    const freed = await this.#free(wanted, inUse);
    if (freed >= wanted) return;
    throw new Error(
      `Failed to garbage collect required amount of images. Attempted to free ${Math.ceil(wanted)} bytes, but only found ${freed} bytes eligible to free.`,
    );
  }

  /** Removes all images that nobody uses, whatever the disk says: before pods are evicted. Returns how many bytes that were. */
  async collectUnused(): Promise<number> {
    return this.#free(Number.POSITIVE_INFINITY, await this.#look());
  }

  /** Notes which images are here and which are used; returns the ids of the latter. */
  async #look(): Promise<ReadonlySet<string>> {
    const { runtime, clock } = this.#options;
    const now = clock.now();
    const [images, containers] = [await runtime.listImages(), await runtime.listContainers()];
    const named = new Set(containers.flatMap(({ imageRef, image }) => [imageRef, image]));
    const inUse = new Set<string>();
    for (const { id, repoTags, repoDigests } of images) {
      const seen = this.#seen.get(id) ?? { firstMs: now, usedMs: 0 };
      this.#seen.set(id, seen);
      if (![id, ...repoTags, ...repoDigests].some((name) => named.has(name))) continue;
      inUse.add(id);
      seen.usedMs = now;
    }
    for (const id of this.#seen.keys()) if (!images.some((image) => image.id === id)) this.#seen.delete(id);
    // Containers may name their image as their pod does, which only the engine can tell.
    for (const { image } of containers) {
      const found = await runtime.imageStatus(image).catch(() => undefined); // a name that is none belongs to no image
      if (found !== undefined) inUse.add(found.id);
    }
    return inUse;
  }

  async #free(wanted: number, inUse: ReadonlySet<string>): Promise<number> {
    const { runtime, clock, log } = this.#options;
    const now = clock.now();
    const seen = (image: Image) => this.#seen.get(image.id) as Seen;
    const candidates = (await runtime.listImages())
      .filter((image) => image.sizeBytes > 0 && !inUse.has(image.id) && this.#seen.has(image.id))
      .filter((image) => now - seen(image).firstMs >= this.#policy.minAgeMs)
      .sort((a, b) => seen(a).usedMs - seen(b).usedMs || seen(a).firstMs - seen(b).firstMs);
    let freed = 0;
    for (const { id, repoTags, sizeBytes } of candidates) {
      if (freed >= wanted) break;
      log("info", "removing an unused image", { image: repoTags[0] ?? id, sizeBytes });
      await runtime.removeImage(id);
      this.#seen.delete(id);
      freed += sizeBytes;
    }
    return freed;
  }
}

function statfs(path: string): { capacity: number; available: number } {
  const { bsize, blocks, bavail } = statfsSync(path);
  return { capacity: blocks * bsize, available: bavail * bsize };
}
