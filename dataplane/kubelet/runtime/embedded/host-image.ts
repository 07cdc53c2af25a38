import { dirname } from "node:path";
import type { ExecutionConfig } from "../../images/oci.ts";
import { parseImageReference } from "../../images/reference.ts";
import type { Image } from "../cri.ts";

/** Names under which the host's own root file system can be run: `host`, `flotilla/host`, with no tag or `latest`. */
const names = new Set(["docker.io/library/host", "docker.io/flotilla/host"]);

export const hostImage: Image = {
  id: "flotilla://host",
  repoTags: ["flotilla/host:latest"],
  repoDigests: [],
  sizeBytes: 0,
};

/** What the only engine that has it calls itself, behind a socket too. */
export const hostImageEngine = "flotilla";

export function isHostImage(image: string): boolean {
  if (image === hostImage.id) return true;
  const reference = parseImageReference(image);
  return (
    reference !== undefined &&
    names.has(reference.repository) &&
    reference.tag === "latest" &&
    reference.digest === undefined
  );
}

/** The interpreter that runs this program comes first, so that pods find a `node` even where the machine's is missing or old. */
export function hostImageConfig(): ExecutionConfig {
  const path = [
    dirname(process.execPath),
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
  ];
  return { Cmd: ["/bin/sh"], Env: [`PATH=${[...new Set(path)].join(":")}`] };
}
