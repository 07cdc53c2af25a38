import type { Duplex } from "node:stream";
import type { ContainerRecord, SandboxRecord } from "./records.ts";

/** What a driver is given about one container: where its state lies and what it shall become. */
export interface Launch {
  /** Holds config, FIFOs, pid and scripts of this container. */
  readonly dir: string;
  readonly sandboxDir: string;
  readonly container: ContainerRecord;
  readonly sandbox: SandboxRecord;
  /** Files to write a `0` into, to put the writer into the container's control groups. */
  readonly cgroupFiles: readonly string[];
  /** The container's own groups: directories by the names they have below /sys/fs/cgroup. */
  readonly cgroupMounts: readonly { readonly name: string; readonly dir: string }[];
}

/**
 * How processes are isolated. The runtime keeps the books (records, logs, exits, control groups); a driver knows how to make a
 * sandbox and what to execute in it. State that must outlive the kubelet lies in the directories it is given.
 */
export interface Driver {
  readonly name: string;
  /** What it cannot do, one sentence each. Printed at start and shown in the node's status: never pretended. */
  readonly limitations: readonly string[];
  /** Once, before anything else. */
  prepare(): Promise<void>;
  /** The pods' addresses of this node, e.g. 10.244.1.0/24. */
  setPodCidr(cidr: string, taken: Iterable<string>): Promise<void>;
  /** False, with the reason, while sandboxes cannot be connected. */
  networkReady(): { readonly ready: boolean; readonly message: string };
  /** Identity of the network the node's end of sandboxes is in; sandboxes of another one are dead. */
  nodeNamespaceId(): string;
  /** Makes the sandbox and returns the pod's address; undefined: it has the node's. Leaves nothing when it rejects. */
  startSandbox(sandbox: SandboxRecord, dir: string): Promise<string | undefined>;
  /** Takes away what startSandbox made. No process of it runs any more. Idempotent. */
  stopSandbox(sandbox: SandboxRecord, dir: string): Promise<void>;
  /** Whether what startSandbox made is still there, e.g. after a restart of the machine. */
  isSandboxAlive(sandbox: SandboxRecord, dir: string): boolean;
  /** What went through the pod's own interface; undefined: it has none, or nobody counts. */
  networkUsage(sandbox: SandboxRecord): { readonly rxBytes: number; readonly txBytes: number } | undefined;
  /** Files to write into the container's directory, and the shim to spawn (see shim.ts). */
  shim(launch: Launch): { readonly files: Readonly<Record<string, string>>; readonly argv: readonly string[] };
  /** The command line that runs `command` inside the running container; with `tty` on a terminal of its own (see terminal.ts). */
  execArgv(launch: Launch, pid: number, command: readonly string[], tty?: boolean): readonly string[];
  /** A connection to a port on the loopback address of a sandbox. */
  dial(sandbox: SandboxRecord, dir: string, port: number): Promise<Duplex>;
  /** Lets go of what only sessions need. */
  close(): void;
  /** Ends every process of the container at once. `pid`: its first process; undefined: that one is dead already. */
  killAll(container: ContainerRecord, pid: number | undefined): void;
  /** Whether containers get a root file system of their own, and thus images. */
  readonly ownRoots: boolean;
  /** Control groups are of no use to it. */
  readonly limits: boolean;
}
