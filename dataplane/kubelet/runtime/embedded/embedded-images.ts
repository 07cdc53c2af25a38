import { readFileSync, statSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Log } from "../../../../base/mod.ts";
import { ImageError } from "../../images/image-error.ts";
import { ImageStore, type StoredImage } from "../../images/image-store.ts";
import { LayerStore } from "../../images/layer-store.ts";
import { LayerView } from "../../images/layer-view.ts";
import type { ExecutionConfig } from "../../images/oci.ts";
import { parseImageReference } from "../../images/reference.ts";
import { pullImage } from "../../images/registry/pull.ts";
import type { RegistryConfig } from "../../images/registry/registry-config.ts";
import { type AuthConfig, CriError, type FilesystemUsage, type Image, type ImageService } from "../cri.ts";
import { hostImage, hostImageConfig, isHostImage } from "./host-image.ts";

/** What a container's root file system is made of. */
export type RootSource =
  /** The machine's own. */
  | { readonly kind: "host" }
  /** Names of unpacked layers below `dir`, topmost first. */
  | { readonly kind: "layers"; readonly dir: string; readonly layers: readonly string[] };

/** An image ready to be run. */
export interface RunnableImage {
  readonly id: string;
  /** What statuses call it: with the digest it has in its registry, or the id. */
  readonly ref: string;
  readonly config: ExecutionConfig;
  readonly root: RootSource;
  /** A file of the image, such as etc/passwd; undefined: it has none. */
  readonly read: (path: string) => string | undefined;
}

export interface EmbeddedImagesOptions {
  readonly dir: string;
  readonly registries: RegistryConfig;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether this engine can give a container a root of its own. If not, only the host image runs. */
  readonly ownRoots: boolean;
  /** Layers that containers still stand on. */
  readonly layersInUse: () => Iterable<string>;
}

/** The images of a node of the embedded engine: the machine's own root under the name `host`, and whatever was loaded or pulled. */
export class EmbeddedImages implements ImageService {
  readonly #options: EmbeddedImagesOptions;
  readonly #store: ImageStore;
  readonly #layers: LayerStore;
  /** One pull of a name at a time. */
  readonly #pulling = new Map<string, Promise<StoredImage>>();

  constructor(options: EmbeddedImagesOptions) {
    this.#options = options;
    this.#store = new ImageStore(options.dir);
    this.#layers = new LayerStore(options.dir, this.#store.content, options.log);
  }

  async listImages(): Promise<readonly Image[]> {
    return [hostImage, ...this.#store.list().map(imageOf)];
  }

  async imageStatus(image: string): Promise<Image | undefined> {
    if (isHostImage(image)) return hostImage;
    const found = this.#find(image);
    return found && imageOf(found);
  }

  #find(image: string): StoredImage | undefined {
    try {
      return this.#store.find(image);
    } catch (error) {
      throw error instanceof ImageError ? new CriError("InvalidArgument", error.message, { cause: error }) : error;
    }
  }

  /** Unpacks what is not unpacked yet. Rejects with NotFound, or Unknown when the image cannot be used. */
  async runnable(image: string): Promise<RunnableImage> {
    if (isHostImage(image)) {
      const read = (path: string) => readHostFile(join("/", path));
      return { id: hostImage.id, ref: hostImage.id, config: hostImageConfig(), root: { kind: "host" }, read };
    }
    const found = this.#find(image);
    if (found === undefined) throw new CriError("NotFound", `image ${JSON.stringify(image)}: not found`);
    if (!this.#options.ownRoots)
      throw new CriError(
        "FailedPrecondition",
        `image ${JSON.stringify(image)} needs a root file system of its own: plain processes run the image "host" only`,
      );
    try {
      const layers = await this.#layers.prepare(found);
      const { dir } = this.#layers;
      const view = new LayerView(layers.map((name) => join(dir, name)));
      return {
        id: found.id,
        ref: found.repoDigests[0] ?? found.id,
        config: found.configuration.config ?? {},
        root: { kind: "layers", dir, layers },
        read: (path) => view.read(path),
      };
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      throw new CriError("Unknown", `failed to unpack image ${JSON.stringify(image)}: ${error.message}`, {
        cause: error,
      });
    }
  }

  async pullImage(image: string, auth?: AuthConfig): Promise<{ imageRef: string }> {
    if (isHostImage(image)) return { imageRef: hostImage.id };
    const reference = parseImageReference(image);
    if (reference === undefined) throw new CriError("InvalidArgument", "invalid reference format");
    const { registries, clock } = this.#options;
    const key = JSON.stringify([image, auth]);
    const pull = this.#pulling.get(key) ?? pullImage(reference, { store: this.#store, registries, clock, auth });
    this.#pulling.set(key, pull);
    try {
      return { imageRef: (await pull).id };
    } finally {
      this.#pulling.delete(key);
    }
  }

  async removeImage(image: string): Promise<void> {
    if (isHostImage(image)) throw new CriError("FailedPrecondition", "the host image cannot be removed");
    if (this.#find(image) === undefined) return;
    this.#store.remove(image);
    await this.sweep();
  }

  /** Deletes what no image needs any more: also what a command beside the node has taken the names of. */
  async sweep(): Promise<void> {
    await this.#store.sweep(async (images) => this.#layers.keepOnly(images, this.#options.layersInUse()));
  }

  async imageFsInfo(): Promise<FilesystemUsage> {
    const { dir } = this.#options;
    return { mountpoint: dir, ...(await usageBelow(dir)) };
  }
}

function imageOf(image: StoredImage): Image {
  const { id, repoTags, repoDigests, sizeBytes, configuration } = image;
  const [user = ""] = (configuration.config?.User ?? "").split(":");
  const who = user === "" ? {} : /^\d+$/.test(user) ? { uid: Number(user) } : { username: user };
  return { id, repoTags, repoDigests, sizeBytes, ...who };
}

function readHostFile(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path, "utf8") : undefined;
}

/** What the files below a directory occupy. What vanishes while we look is not counted. */
export async function usageBelow(dir: string): Promise<{ usedBytes: number; inodesUsed: number }> {
  let [usedBytes, inodesUsed] = [0, 0];
  const seen = new Set<number>();
  const unlessGone = async <T>(wanted: Promise<T>): Promise<T | undefined> => {
    try {
      return await wanted;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  };
  for (const entry of (await unlessGone(readdir(dir, { withFileTypes: true }))) ?? []) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) {
      const below = await usageBelow(path);
      usedBytes += below.usedBytes;
      inodesUsed += below.inodesUsed + 1;
      continue;
    }
    if (!entry.isFile()) continue;
    const found = await unlessGone(stat(path));
    if (found === undefined || seen.has(found.ino)) continue;
    seen.add(found.ino);
    usedBytes += found.blocks * 512;
    inodesUsed++;
  }
  return { usedBytes, inodesUsed };
}
