import { createHash } from "node:crypto";
import { join, resolve } from "node:path";

/** What lies where below a node's root directory when containerd runs its containers. */
export interface ContainerdDirs {
  /** Holds all the others. */
  readonly base: string;
  /** Images and their layers; survives a restart of the machine. */
  readonly root: string;
  /** Running containers. */
  readonly state: string;
  readonly socket: string;
  readonly config: string;
  readonly cniConfig: string;
  readonly cniData: string;
  readonly log: string;
  /** Name of the pod network: recognisable, and its own for every node. */
  readonly network: string;
}

export function containerdDirsOf(rootDir: string): ContainerdDirs {
  const base = join(resolve(rootDir), "containerd");
  const hash = createHash("sha256").update(base).digest("hex").slice(0, 12);
  return {
    base,
    root: join(base, "root"),
    state: join(base, "state"),
    socket: join(base, "containerd.sock"),
    config: join(base, "containerd.toml"),
    cniConfig: join(base, "cni"),
    cniData: join(base, "cni-data"),
    log: join(base, "containerd.log"),
    network: `flotilla-${hash}`,
  };
}
