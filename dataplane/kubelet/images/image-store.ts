import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { imagesDirOf } from "../root-dir.ts";
import { ContentStore, type Digest, isDigest } from "./content-store.ts";
import { ImageError } from "./image-error.ts";
import { withLock } from "./lock.ts";
import { type ImageConfiguration, type ImageManifest, isIndex, isManifest, selectManifest } from "./oci.ts";
import { formatReference, parseImageReference } from "./reference.ts";

/** An image that is here whole: manifest, configuration and layers for this machine's platform. */
export interface StoredImage {
  /** Digest of its configuration: what Kubernetes calls the image's id. */
  readonly id: Digest;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  /** Of its blobs, as they were transferred. */
  readonly sizeBytes: number;
  readonly manifest: ImageManifest;
  readonly configuration: ImageConfiguration;
  /** When the newest of its names was given. */
  readonly namedAtMs: number;
}

/** One name, as its file holds it. `target` is what the name means in a registry; of an index, `manifest` is the one for this platform. */
interface Name {
  readonly name: string;
  readonly target: Digest;
  readonly manifest: Digest;
  readonly atMs: number;
}

/**
 * The images of one node, on disk: `blobs/` (ContentStore) and one file per name below `names/`. Nothing is remembered between calls, so
 * a command beside the node may add and remove images while it runs. Adding needs no lock until the name is given; giving and taking names does.
 */
export class ImageStore {
  readonly content: ContentStore;
  readonly #dir: string;
  readonly #names: string;
  /** Parsed blobs. They never change. */
  readonly #documents = new Map<Digest, unknown>();

  constructor(dir: string) {
    this.#dir = dir;
    this.#names = join(dir, "names");
    mkdirSync(this.#names, { recursive: true, mode: 0o700 });
    this.content = new ContentStore(dir);
  }

  list(): readonly StoredImage[] {
    const images = new Map<Digest, StoredImage>();
    for (const name of this.#allNames()) {
      const image = this.#load(name.manifest);
      const known = images.get(image.id) ?? image;
      const { repository, digest } = reference(name.name);
      const tags = digest === undefined ? [name.name] : [];
      images.set(image.id, {
        ...known,
        repoTags: [...known.repoTags, ...tags],
        repoDigests: [...new Set([...known.repoDigests, `${repository}@${name.target}`])],
        namedAtMs: Math.max(known.namedAtMs, name.atMs),
      });
    }
    return [...images.values()];
  }

  /** By name in any form (`busybox`, `busybox@sha256:…`) or by id, whole. Undefined: not here. */
  find(text: string): StoredImage | undefined {
    if (isDigest(text)) return this.list().find(({ id }) => id === text);
    const wanted = parseImageReference(text);
    if (wanted === undefined) throw new ImageError("invalid reference format");
    const full = formatReference(wanted);
    return this.list().find(({ repoTags, repoDigests }) => [...repoTags, ...repoDigests].includes(full));
  }

  /**
   * Adds images: blobs first, then their names, with no sweep in between that would take blobs without a name away. Any number of processes may
   * add at once.
   */
  async adding<T>(body: () => Promise<T>): Promise<T> {
    return (await withLock(join(this.#dir, "lock"), "shared", body)) as T;
  }

  /**
   * Gives a name to what `target` is: a manifest, or an index with one for this platform. Everything must be in the content store. The name
   * may have meant another image before.
   */
  name(text: string, target: Digest, atMs: number): StoredImage {
    const full = formatReference(reference(text));
    const manifest = this.#resolve(target);
    const image = this.#load(manifest);
    for (const { digest } of image.manifest.layers) {
      if (!this.content.has(digest)) throw new ImageError(`image ${full} lacks its content ${digest}`);
    }
    const file = this.#file(full);
    const temporary = `${file}.${process.pid}.tmp`;
    writeFileSync(temporary, JSON.stringify({ name: full, target, manifest, atMs } satisfies Name), { mode: 0o600 });
    renameSync(temporary, file);
    return this.find(full) as StoredImage;
  }

  /** Takes away all names of an image; its blobs go with the next `sweep`. False: it was not here. */
  remove(text: string): boolean {
    const image = this.find(text);
    if (image === undefined) return false;
    for (const name of this.#allNames()) {
      if (this.#load(name.manifest).id === image.id) rmSync(this.#file(name.name), { force: true });
    }
    return true;
  }

  /** Deletes blobs that no name leads to, and has `body` delete what was made of them. Not now (false) when somebody is adding. */
  async sweep(body: (images: readonly StoredImage[]) => Promise<void> = async () => undefined): Promise<boolean> {
    const swept = await withLock(join(this.#dir, "lock"), "exclusive", async () => {
      const wanted = new Set<Digest>();
      for (const { target, manifest } of this.#allNames()) {
        const { manifest: document } = this.#load(manifest);
        for (const digest of [target, manifest, document.config.digest]) wanted.add(digest);
        for (const { digest } of document.layers) wanted.add(digest);
      }
      await this.content.keepOnly(wanted);
      await body(this.list());
      return true;
    });
    return swept === true;
  }

  #resolve(target: Digest): Digest {
    const document = this.#document(target);
    if (isManifest(document)) return target;
    if (!isIndex(document)) throw new ImageError(`${target} is neither an image nor an index of images`);
    const chosen = selectManifest(document);
    if (chosen === undefined) throw new ImageError(`no match for platform in manifest ${target}: not found`);
    return this.#resolve(chosen.digest);
  }

  #load(manifest: Digest): StoredImage {
    const document = this.#document(manifest);
    if (!isManifest(document)) throw new ImageError(`${manifest} is no image manifest`);
    const configuration = this.#document(document.config.digest) as ImageConfiguration;
    if (
      !Array.isArray(configuration.rootfs?.diff_ids) ||
      configuration.rootfs.diff_ids.length !== document.layers.length
    )
      throw new ImageError(`the configuration of image ${document.config.digest} does not fit its layers`);
    const sizeBytes = [document.config, ...document.layers].reduce((sum, { size }) => sum + size, 0);
    return {
      id: document.config.digest,
      repoTags: [],
      repoDigests: [],
      sizeBytes,
      manifest: document,
      configuration,
      namedAtMs: 0,
    };
  }

  #document(digest: Digest): unknown {
    let document = this.#documents.get(digest);
    if (document === undefined) {
      try {
        document = JSON.parse(this.content.read(digest).toString());
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        throw new ImageError(`content ${digest} is not JSON`, { cause: error });
      }
      this.#documents.set(digest, document);
    }
    return document;
  }

  #allNames(): Name[] {
    return readdirSync(this.#names)
      .filter((file) => file.endsWith(".json"))
      .sort()
      .map((file) => JSON.parse(readFileSync(join(this.#names, file), "utf8")) as Name);
  }

  #file(name: string): string {
    return join(this.#names, `${encodeURIComponent(name)}.json`);
  }
}

function reference(text: string) {
  const parsed = parseImageReference(text);
  if (parsed === undefined) throw new ImageError(`${JSON.stringify(text)} is no image name`);
  return parsed;
}

/** The images of a node of the embedded engine, whether it runs or not. */
export function imageStoreOf(rootDir: string): ImageStore {
  return new ImageStore(imagesDirOf(rootDir));
}
