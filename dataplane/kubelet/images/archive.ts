import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join, posix } from "node:path";
import type { Readable } from "node:stream";
import { extract } from "tar-stream";
import type { Digest } from "./content-store.ts";
import { decompressed } from "./decompress.ts";
import { ImageError } from "./image-error.ts";
import type { ImageStore, StoredImage } from "./image-store.ts";
import { type Descriptor, type ImageIndex, mediaTypes } from "./oci.ts";
import { parseImageReference } from "./reference.ts";

export interface ImportOptions {
  readonly nowMs: number;
  /** Name for an archive's only image. Without it the archive's own names are taken. */
  readonly name?: string;
  /** Bytes of the file read so far, and in all. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/** One entry of docker-save's manifest.json. */
interface SavedImage {
  readonly Config: string;
  readonly RepoTags: readonly string[] | null;
  readonly Layers: readonly string[];
}

/**
 * Brings the images of a file or directory into the store: an OCI layout (directory or tar) or what `docker save` writes (old and
 * new form), the whole compressed or not. Rejects with ImageError when it is neither, or incomplete, or has no names and none was given.
 */
export async function importImages(
  store: ImageStore,
  path: string,
  options: ImportOptions,
): Promise<readonly StoredImage[]> {
  return store.adding(async () => {
    const isDirectory = (await stat(path)).isDirectory();
    const files = isDirectory ? await takeDirectory(store, path) : await takeTar(store, path, options);
    const index = files.get("index.json");
    const saved = files.get("manifest.json");
    // An archive of a newer Docker is both; its manifest.json has the names in full.
    const named = saved !== undefined ? await savedImages(store, saved, files) : [];
    if (index !== undefined && named.length === 0) named.push(...layoutImages(store, index));
    if (index === undefined && saved === undefined)
      throw new ImageError(`${path} is neither an OCI image layout nor an archive of docker save`);
    return nameAll(store, path, named, options);
  });
}

interface Named {
  readonly target: Digest;
  readonly names: readonly string[];
}

function nameAll(store: ImageStore, path: string, found: readonly Named[], options: ImportOptions): StoredImage[] {
  if (options.name !== undefined) {
    const [only, ...others] = found;
    if (only === undefined || others.length > 0)
      throw new ImageError(`${path} holds ${found.length} images: a name can be given to one only`);
    return [store.name(options.name, only.target, options.nowMs)];
  }
  const images = found.flatMap(({ target, names }) => names.map((name) => store.name(name, target, options.nowMs)));
  if (images.length === 0) throw new ImageError(`${path} does not say how its image is called: give it a name`);
  return images;
}

function layoutImages(store: ImageStore, indexDigest: Digest): Named[] {
  const index = JSON.parse(store.content.read(indexDigest).toString()) as Partial<ImageIndex>;
  if (!Array.isArray(index.manifests)) throw new ImageError("index.json lists no manifests");
  return index.manifests.map((descriptor: Descriptor) => {
    const { annotations = {}, digest } = descriptor;
    // containerd's annotation holds the whole name; the specification's may hold a tag alone.
    const candidates = [annotations["io.containerd.image.name"], annotations["org.opencontainers.image.ref.name"]];
    const name = candidates.find((text) => text !== undefined && /[/:]/.test(text) && parseImageReference(text));
    return { target: digest, names: name === undefined ? [] : [name] };
  });
}

/** Docker's own list, as a manifest of ours: layers are plain or compressed tars somewhere in the archive. */
async function savedImages(
  store: ImageStore,
  listDigest: Digest,
  files: ReadonlyMap<string, Digest>,
): Promise<Named[]> {
  const document: unknown = JSON.parse(store.content.read(listDigest).toString());
  if (!Array.isArray(document)) throw new ImageError("manifest.json lists no images");
  const list = document as readonly SavedImage[];
  const file = (path: string): Descriptor => {
    const digest = files.get(path);
    if (digest === undefined) throw new ImageError(`the archive lacks ${path}`);
    return { digest, size: store.content.size(digest) };
  };
  return Promise.all(
    list.map(async ({ Config, RepoTags, Layers }) => {
      const manifest = {
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config: { mediaType: mediaTypes.config, ...file(Config) },
        layers: Layers.map((path) => ({ mediaType: mediaTypes.layer, ...file(path) })),
      };
      return { target: await store.content.write(JSON.stringify(manifest)), names: RepoTags ?? [] };
    }),
  );
}

/** Every file becomes a blob, whatever it is; what no name leads to goes with the next sweep. Returns digests by path. */
async function takeTar(store: ImageStore, path: string, options: ImportOptions): Promise<Map<string, Digest>> {
  const totalBytes = (await stat(path)).size;
  const source = createReadStream(path);
  let doneBytes = 0;
  const counted = async function* () {
    for await (const chunk of source) {
      doneBytes += (chunk as Buffer).length;
      options.onProgress?.(doneBytes, totalBytes);
      yield chunk as Buffer;
    }
  };
  const files = new Map<string, Digest>();
  const links: [string, string][] = [];
  const entries = extract();
  const stream: Readable = await decompressed(counted());
  stream.on("error", (error) => entries.destroy(error));
  stream.pipe(entries);
  try {
    for await (const entry of entries) {
      const { name, type, linkname } = entry.header;
      const at = posix.normalize(name);
      if (type === "file") files.set(at, await takeFile(store, at, entry as AsyncIterable<Uint8Array>));
      // Old docker-save archives say so that two images share a layer.
      else if (type === "symlink") links.push([at, posix.join(posix.dirname(at), linkname ?? "")]);
      else if (type === "link") links.push([at, posix.normalize(linkname ?? "")]);
      entry.resume();
    }
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new ImageError(`${path} cannot be read as an archive: ${(error as Error).message}`, { cause: error });
  }
  for (const [from, to] of links) {
    const digest = files.get(to);
    if (digest !== undefined) files.set(from, digest);
  }
  return files;
}

/** A blob's name in a layout is its digest: what does not match is damaged. */
function takeFile(store: ImageStore, path: string, bytes: AsyncIterable<Uint8Array>): Promise<Digest> {
  const hex = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(path)?.[1];
  return store.content.ingest(bytes, hex === undefined ? undefined : `sha256:${hex}`);
}

async function takeDirectory(store: ImageStore, dir: string): Promise<Map<string, Digest>> {
  const files = new Map<string, Digest>();
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const path = posix.normalize(file.slice(dir.length).replace(/^\/+/, ""));
    files.set(path, await takeFile(store, path, createReadStream(file)));
  }
  return files;
}
