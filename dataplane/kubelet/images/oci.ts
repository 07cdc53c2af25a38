/**
 * The documents of the OCI image specification, as far as they are read here; Docker's schema 2 has the same shapes under other media types.
 */
import { arch, platform } from "node:process";

export interface Descriptor {
  readonly mediaType?: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

export interface ImageIndex {
  readonly manifests: readonly Descriptor[];
}

export interface ImageManifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** What an image says about the containers made of it. */
export interface ExecutionConfig {
  readonly User?: string;
  readonly Env?: readonly string[] | null;
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly WorkingDir?: string;
  readonly StopSignal?: string;
  readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
  readonly Volumes?: Readonly<Record<string, unknown>> | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

export interface ImageConfiguration {
  readonly architecture?: string;
  readonly os?: string;
  readonly created?: string;
  readonly config?: ExecutionConfig;
  readonly rootfs: { readonly type: "layers"; readonly diff_ids: readonly string[] };
}

export const mediaTypes = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
  layerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
} as const;

/** Whether the document names manifests, one per platform, instead of layers. */
export function isIndex(document: unknown): document is ImageIndex {
  return isRecord(document) && Array.isArray(document.manifests);
}

export function isManifest(document: unknown): document is ImageManifest {
  return isRecord(document) && isRecord(document.config) && Array.isArray(document.layers);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

const architectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };

/** This machine's in the image specification's words (those of Go). */
export const hostPlatform: Platform = { os: platform, architecture: architectures[arch] ?? arch };

/** The manifest for a platform; an entry that names none fits every one. Undefined: the image is not made for it. */
export function selectManifest(index: ImageIndex, wanted: Platform = hostPlatform): Descriptor | undefined {
  const images = index.manifests.filter(
    // Build systems store attestations beside the images, under a platform that does not exist.
    ({ annotations }) => annotations?.["vnd.docker.reference.type"] === undefined,
  );
  const fits = ({ platform: offered }: Descriptor) =>
    offered !== undefined && offered.os === wanted.os && offered.architecture === wanted.architecture;
  return images.find(fits) ?? images.find(({ platform: offered }) => offered === undefined);
}
