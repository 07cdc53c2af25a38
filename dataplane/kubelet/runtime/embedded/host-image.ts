import { dirname } from "node:path";
import { parseImageReference } from "../../images/reference.ts";
import { CriError, type Image, type ImageService } from "../cri.ts";

/** Names under which the host's own root file system can be run: `host`, `flotilla/host`, with no tag or `latest`. */
const names = new Set(["docker.io/library/host", "docker.io/flotilla/host"]);

const hostImage: Image = {
  id: "flotilla://host",
  repoTags: ["flotilla/host:latest"],
  repoDigests: [],
  sizeBytes: 0,
};

/** What the image says about how it runs, as in an OCI image configuration. */
export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly workingDir: string;
}

/** The interpreter that runs this program comes first, so that pods find a `node` even where the machine's is missing or old. */
export function hostImageConfig(): ImageConfig {
  const path = [
    dirname(process.execPath),
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
  ];
  return { entrypoint: [], cmd: ["/bin/sh"], env: [`PATH=${[...new Set(path)].join(":")}`], workingDir: "/" };
}

/** The images of an engine that has exactly one, and it needs no pulling. */
export class HostImageService implements ImageService {
  async listImages(): Promise<readonly Image[]> {
    return [hostImage];
  }

  async imageStatus(image: string): Promise<Image | undefined> {
    const reference = parseImageReference(image);
    if (reference === undefined) throw new CriError("InvalidArgument", "invalid reference format");
    if (image === hostImage.id) return hostImage;
    return names.has(reference.repository) && reference.tag === "latest" && reference.digest === undefined
      ? hostImage
      : undefined;
  }

  async pullImage(image: string): Promise<{ imageRef: string }> {
    if ((await this.imageStatus(image)) !== undefined) return { imageRef: hostImage.id };
    throw new CriError(
      "NotFound",
      `failed to pull image "${image}": the embedded runtime pulls no images; it runs "host", the root file system of this machine`,
    );
  }

  async removeImage(image: string): Promise<void> {
    if ((await this.imageStatus(image)) !== undefined)
      throw new CriError("FailedPrecondition", "the host image cannot be removed");
  }

  async imageFsInfo(): Promise<{ mountpoint: string; usedBytes: number; inodesUsed: number }> {
    return { mountpoint: "/", usedBytes: 0, inodesUsed: 0 };
  }
}
