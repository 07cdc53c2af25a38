import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
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

/** The kernel allows 107 bytes for a socket's path; a second one has a longer name. */
function shortEnough(socket: string): string | undefined {
  return Buffer.byteLength(socket) <= 100 ? socket : undefined;
}

export function containerdDirsOf(rootDir: string): ContainerdDirs {
  const base = join(resolve(rootDir), "containerd");
  const network = `flotilla-${createHash("sha256").update(base).digest("hex").slice(0, 12)}`;
  return {
    base,
    root: join(base, "root"),
    state: join(base, "state"),
    socket: shortEnough(join(base, "containerd.sock")) ?? join(tmpdir(), `${network}.sock`),
    config: join(base, "containerd.toml"),
    cniConfig: join(base, "cni"),
    cniData: join(base, "cni-data"),
    log: join(base, "containerd.log"),
    network,
  };
}
