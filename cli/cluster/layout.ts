import { createHash } from "node:crypto";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** Where everything of one cluster lives: one directory, so that removing it removes the cluster. */
export interface Layout {
  readonly root: string;
  /** What `up` decided once and keeps: names, ports, sizes (ClusterConfig as JSON). */
  readonly configFile: string;
  readonly kubeconfig: string;
  /** Environment for etcdctl, to be sourced by a shell. */
  readonly etcdctlEnv: string;
  readonly pki: string;
  /** How Secrets are encrypted at rest (EncryptionConfiguration). */
  readonly encryptionConfig: string;
  readonly logs: string;
  /** Process records; nothing in it outlives the processes. */
  readonly run: string;
  /** Sockets by which processes meet across network namespaces. */
  readonly sockets: string;
  /** One for each API server, counted from 1. */
  apiSocket(index: number): string;
  memberDir(member: string): string;
  nodeDir(node: string): string;
  kubeletSocket(node: string): string;
  logFile(component: string): string;
}

export function clustersHome(): string {
  return join(process.env.XDG_STATE_HOME || join(homedir(), ".local", "state"), "flotilla");
}

/** The kernel allows 107 bytes for a socket's path; this leaves room for the longest file name in the folder. */
const longestSocketFolder = 75;

function socketFolder(root: string): string {
  const folder = join(root, "run");
  if (Buffer.byteLength(folder) <= longestSocketFolder) return folder;
  const digest = createHash("sha256").update(root).digest("hex").slice(0, 12);
  return join(tmpdir(), `flotilla-${process.getuid?.() ?? 0}-${digest}`);
}

export function layoutOf(name: string, dataDir?: string): Layout {
  const root = dataDir === undefined ? join(clustersHome(), name) : resolve(dataDir);
  const sockets = socketFolder(root);
  return {
    root,
    configFile: join(root, "cluster.json"),
    kubeconfig: join(root, "kubeconfig"),
    etcdctlEnv: join(root, "etcdctl.env"),
    pki: join(root, "pki"),
    encryptionConfig: join(root, "pki", "encryption.yaml"),
    logs: join(root, "logs"),
    run: join(root, "run"),
    sockets,
    apiSocket: (index) => join(sockets, `apiserver-${index}.sock`),
    memberDir: (member) => join(root, "members", member),
    nodeDir: (node) => join(root, "nodes", node),
    kubeletSocket: (node) => join(sockets, `${node}.sock`),
    logFile: (component) => join(root, "logs", `${component}.log`),
  };
}
