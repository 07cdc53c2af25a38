import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { type Header, pack } from "tar-stream";
import { type Descriptor, type ExecutionConfig, hostPlatform, mediaTypes, type Platform } from "./oci.ts";

/** One thing in a layer. Whiteouts are files named `.wh.NAME`, as the specification has them. */
export interface LayerEntry {
  /** Without a leading slash, e.g. `bin/sh`. */
  readonly path: string;
  readonly type: "file" | "directory" | "link" | "symlink" | "character-device";
  readonly content?: Uint8Array | string;
  /** Target of a link. */
  readonly target?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

export interface ImageSource {
  /** Such as `docker.io/library/busybox:latest`. */
  readonly name: string;
  readonly layers: readonly {
    readonly entries: readonly LayerEntry[];
    readonly compression?: "gzip" | "zstd" | "none";
  }[];
  readonly config?: ExecutionConfig;
  readonly platform?: Platform;
}

export interface Blob {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

/** An image as the blobs a registry or a layout holds; the last is the manifest. The same source gives the same digests. */
export interface BuiltImage {
  readonly name: string;
  readonly manifest: Blob;
  readonly blobs: readonly Blob[];
}

/** Everything is stamped with this moment, so that building twice gives the same bytes. */
const epoch = new Date(0);

export async function buildImage(source: ImageSource): Promise<BuiltImage> {
  const { os, architecture } = source.platform ?? hostPlatform;
  const layers = await Promise.all(
    source.layers.map(async ({ entries, compression = "gzip" }) => {
      const plain = await tar(entries);
      const bytes = compression === "gzip" ? gzipSync(plain) : compression === "zstd" ? zstdCompressSync(plain) : plain;
      const suffix = compression === "none" ? "" : `+${compression}`;
      return { blob: blob(`${mediaTypes.layer}${suffix}`, bytes), diffId: digest(plain) };
    }),
  );
  const config = json(mediaTypes.config, {
    created: epoch.toISOString(),
    architecture,
    os,
    config: source.config ?? {},
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
  });
  const manifest = json(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: config.descriptor,
    layers: layers.map(({ blob: { descriptor } }) => descriptor),
  });
  return { name: source.name, manifest, blobs: [...layers.map(({ blob: layer }) => layer), config, manifest] };
}

/** An OCI image layout as one tar: what `flotilla image load`, `ctr images import` and `skopeo` read. */
export async function writeLayout(file: string, images: readonly BuiltImage[]): Promise<void> {
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: images.map(({ name, manifest }) => ({
      ...manifest.descriptor,
      annotations: { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": name },
    })),
  };
  const blobs = new Map(
    images.flatMap((image) => image.blobs.map((one) => [one.descriptor.digest, one.bytes] as const)),
  );
  const files: LayerEntry[] = [
    { path: "oci-layout", type: "file", content: JSON.stringify({ imageLayoutVersion: "1.0.0" }) },
    { path: "index.json", type: "file", content: JSON.stringify(index) },
    ...[...blobs].map(([name, content]) => ({
      path: `blobs/${name.replace(":", "/")}`,
      type: "file" as const,
      content,
    })),
  ];
  writeFileSync(file, await tar(files));
}

/** What lies below a directory, as the entries of a layer owned by root. */
export function entriesOf(dir: string, prefix = ""): LayerEntry[] {
  return readdirSync(dir)
    .sort()
    .flatMap((name): LayerEntry[] => {
      const [file, path] = [join(dir, name), join(prefix, name)];
      const stat = lstatSync(file);
      const mode = stat.mode & 0o7777;
      if (stat.isDirectory()) return [{ path, type: "directory", mode }, ...entriesOf(file, path)];
      if (stat.isSymbolicLink()) return [{ path, type: "symlink", target: readlinkSync(file) }];
      return stat.isFile() ? [{ path, type: "file", mode, content: readFileSync(file) }] : [];
    });
}

function tar(entries: readonly LayerEntry[]): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const archive = pack();
  const chunks: Buffer[] = [];
  archive.on("data", (chunk: unknown) => chunks.push(chunk as Buffer));
  archive.on("end", () => resolve(Buffer.concat(chunks)));
  archive.on("error", reject);
  for (const { path, type, content = "", target, mode, uid = 0, gid = 0 } of entries) {
    const header: Partial<Header> & { name: string } = {
      name: path,
      type,
      mode: mode ?? (type === "directory" ? 0o755 : 0o644),
      uid,
      gid,
      mtime: epoch,
      ...(target === undefined ? {} : { linkname: target }),
    };
    archive.entry(header, type === "file" ? Buffer.from(content as Uint8Array) : "");
  }
  archive.finalize();
  return promise;
}

function digest(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function blob(mediaType: string, bytes: Buffer): Blob {
  return { descriptor: { mediaType, digest: digest(bytes), size: bytes.length }, bytes };
}

function json(mediaType: string, value: unknown): Blob {
  return blob(mediaType, Buffer.from(JSON.stringify(value)));
}
