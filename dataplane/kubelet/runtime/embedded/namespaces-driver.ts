import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PodSandboxConfig } from "../cri.ts";
import { AddressPool } from "./address-pool.ts";
import { setprivArgv } from "./capabilities.ts";
import { containerFiles } from "./container-script.ts";
import type { Driver, Launch } from "./driver.ts";
import { namespaceOf, pinnedNamespace, signal } from "./procfs.ts";
import type { SandboxRecord } from "./records.ts";
import { shimScript } from "./shim.ts";
import { quote, run, runAny } from "./spawn.ts";

export interface NamespacesDriverOptions {
  readonly stateDir: string;
  readonly exitsDir: string;
  readonly maskedPaths: readonly string[];
  /** File of the node's network namespace; undefined: the one this process is in. */
  readonly nodeNamespace: string | undefined;
}

/** Link-local gateway of every pod: the node's end of each veth has it, so no pod needs a subnet. */
const gateway = "169.254.1.1";
const pins = ["net", "uts", "ipc"] as const;

/**
 * Containers out of util-linux alone (unshare, nsenter, mount, pivot_root, setpriv), as root, on Linux. A sandbox is three namespaces
 * pinned as bind-mounted files: no pause process. The pod's address is routed through a veth pair, without a bridge, which
 * lets Services reach pods of the same node and pods reach themselves through one.
 */
export class NamespacesDriver implements Driver {
  readonly name = "namespaces";
  readonly limitations: readonly string[] = [
    "pods cannot use hostPID, hostIPC or shareProcessNamespace",
    "images other than the host's root file system cannot be run",
    "seccomp, AppArmor and SELinux profiles are not applied",
  ];
  readonly #options: NamespacesDriverOptions;
  readonly #devLinks: string;
  #setpriv = "";
  #addresses: AddressPool | undefined;

  constructor(options: NamespacesDriverOptions) {
    this.#options = options;
    this.#devLinks = join(options.stateDir, "dev");
  }

  /** Prefix of commands that concern the node's end of the network. */
  get #inNode(): readonly string[] {
    const { nodeNamespace } = this.#options;
    return nodeNamespace === undefined ? [] : ["nsenter", `--net=${nodeNamespace}`, "--"];
  }

  nodeNamespaceId(): string {
    const { nodeNamespace } = this.#options;
    const id = nodeNamespace === undefined ? namespaceOf("self", "net") : pinnedNamespace(nodeNamespace, "net");
    return id ?? "";
  }

  async prepare(): Promise<void> {
    this.#setpriv = findProgram("setpriv");
    mkdirSync(this.#devLinks, { recursive: true });
    const links = {
      fd: "/proc/self/fd",
      stdin: "/proc/self/fd/0",
      stdout: "/proc/self/fd/1",
      stderr: "/proc/self/fd/2",
      ptmx: "pts/ptmx",
    };
    const present = new Set(readdirSync(this.#devLinks));
    for (const [name, target] of Object.entries(links))
      if (!present.has(name)) symlinkSync(target, join(this.#devLinks, name));
  }

  async setPodCidr(cidr: string, taken: Iterable<string>): Promise<void> {
    if (this.#addresses?.cidr === cidr) return;
    this.#addresses = new AddressPool(cidr, taken);
    // Pods answer to this address: `replace` because it is there already after a restart of the kubelet.
    await run([...this.#inNode, "ip", "address", "replace", `${this.#addresses.first}/32`, "dev", "lo"]);
  }

  networkReady(): { ready: boolean; message: string } {
    if (this.#addresses !== undefined) return { ready: true, message: "" };
    return { ready: false, message: "the node has no podCIDR yet" };
  }

  async startSandbox(sandbox: SandboxRecord, dir: string): Promise<string | undefined> {
    const { config } = sandbox;
    refuseUnsupported(config);
    const hostNetwork = config.linux.namespaceOptions.network === "NODE";
    const address = hostNetwork ? undefined : this.#allocate();
    try {
      writeSandboxFiles(config, dir);
      for (const pin of pins) if (pin !== "net" || !hostNetwork) writeFileSync(join(dir, pin), "");
      const nodeNamespace = this.#options.nodeNamespace ?? `${process.pid}`;
      await run(
        [...this.#inNode, "/bin/sh", "-e", "-s"],
        sandboxScript(sandbox, dir, address, this.#addresses?.first, nodeNamespace),
      );
    } catch (error) {
      if (address !== undefined) this.#addresses?.release(address);
      throw error;
    }
    return address;
  }

  #allocate(): string {
    if (this.#addresses === undefined) throw new Error(this.networkReady().message);
    return this.#addresses.allocate();
  }

  async stopSandbox(sandbox: SandboxRecord, dir: string): Promise<void> {
    await takeDown(this.#inNode, sandbox.id, dir);
    if (sandbox.ip !== undefined) this.#addresses?.release(sandbox.ip);
  }

  isSandboxAlive(sandbox: SandboxRecord, dir: string): boolean {
    if (sandbox.config.linux.namespaceOptions.network !== "NODE") {
      if (pinnedNamespace(join(dir, "net"), "net") === undefined) return false;
      // The node's namespace was made anew: the pod's cable leads nowhere.
      if (sandbox.nodeNamespace !== this.nodeNamespaceId()) return false;
    }
    return pinnedNamespace(join(dir, "uts"), "uts") !== undefined;
  }

  shim(launch: Launch): { files: Readonly<Record<string, string>>; argv: readonly string[] } {
    const { sandboxDir, sandbox } = launch;
    const hostNetwork = sandbox.config.linux.namespaceOptions.network === "NODE";
    const net = hostNetwork ? this.#options.nodeNamespace : `${sandboxDir}/net`;
    const enter = [
      "nsenter",
      ...(net === undefined ? [] : [`--net=${net}`]),
      `--uts=${sandboxDir}/uts`,
      `--ipc=${sandboxDir}/ipc`,
    ];
    mkdirSync(join(launch.dir, "layer"), { recursive: true });
    const files = {
      ...containerFiles(launch, {
        devLinks: this.#devLinks,
        setpriv: this.#setpriv,
        maskedPaths: this.#options.maskedPaths,
      }),
      "shim.sh": shimScript({
        dir: launch.dir,
        exitFile: join(this.#options.exitsDir, launch.container.id),
        // Not `unshare --fork`: it loses the status of a child that a signal killed.
        enter: [...enter, "--", "unshare", "--pid", "--"],
        isolate: ["unshare", "--mount", "--propagation", "private", "--"],
      }),
    };
    return { files, argv: ["/bin/sh", join(launch.dir, "shim.sh")] };
  }

  execArgv(launch: Launch, pid: number, command: readonly string[]): readonly string[] {
    const join = launch.cgroupFiles.map((file) => `echo 0 > ${quote(file)}; `).join("");
    const enter = ["nsenter", `--target=${pid}`, "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd", "--"];
    const become = [
      "env",
      "-i",
      ...launch.container.env,
      ...setprivArgv(this.#setpriv, launch.container.config.linux.securityContext),
    ];
    return ["/bin/sh", "-c", `${join}exec "$@"`, "flotilla-exec", ...enter, ...become, ...command];
  }

  killAll(_containerId: string, pid: number | undefined): void {
    if (pid !== undefined) signal(pid, "SIGKILL"); // process 1 of its namespace: the kernel ends the others with it
  }
}

function refuseUnsupported(config: PodSandboxConfig): void {
  const { pid, ipc } = config.linux.namespaceOptions;
  if (pid === "NODE") throw new Error("hostPID is not supported by the namespaces driver");
  if (pid === "POD") throw new Error("shareProcessNamespace is not supported by the namespaces driver");
  if (ipc === "NODE") throw new Error("hostIPC is not supported by the namespaces driver");
}

function writeSandboxFiles(config: PodSandboxConfig, dir: string): void {
  const { servers, searches, options } = config.dnsConfig ?? { servers: [], searches: [], options: [] };
  const lines = servers.map((server) => `nameserver ${server}`);
  if (searches.length > 0) lines.push(`search ${searches.join(" ")}`);
  if (options.length > 0) lines.push(`options ${options.join(" ")}`);
  writeFileSync(join(dir, "resolv.conf"), lines.map((line) => `${line}\n`).join(""));
  writeFileSync(join(dir, "hostname"), `${config.hostname}\n`);
  mkdirSync(join(dir, "shm"), { recursive: true });
}

/** One shell makes it all: namespaces, then the veth pair from inside, then the node's end of it. */
function sandboxScript(
  sandbox: SandboxRecord,
  dir: string,
  address: string | undefined,
  nodeAddress: string | undefined,
  nodeNamespace: string,
): string {
  const cable = cableName(sandbox.id);
  const inside = ["link set lo up"];
  if (address !== undefined) {
    inside.push(
      `link add eth0 type veth peer name ${cable} netns ${nodeNamespace}`,
      `address add ${address}/32 dev eth0`,
      "link set eth0 up",
      `route add ${gateway} dev eth0 scope link`,
      `route add default via ${gateway}`,
    );
  }
  const outside = [
    `address add ${gateway}/32 dev ${cable}`,
    `link set ${cable} up`,
    `route replace ${address}/32 dev ${cable} src ${nodeAddress}`,
  ];
  const setSysctls = Object.entries(sandbox.config.linux.sysctls).map(
    ([name, value]) => `echo ${quote(value)} > ${quote(`/proc/sys/${name.replaceAll(".", "/")}`)}`,
  );
  const unshare = [
    "unshare",
    ...(address === undefined ? [] : [`--net=${dir}/net`]),
    `--uts=${dir}/uts`,
    `--ipc=${dir}/ipc`,
    "--",
  ];
  const setUp = [
    `hostname ${quote(sandbox.config.hostname)}`,
    ...setSysctls,
    ...(address === undefined ? [] : ["ip -batch -"]),
  ];
  return [
    `mount -t tmpfs -o nosuid,nodev,noexec,mode=1777,size=64m shm ${quote(join(dir, "shm"))}`,
    `${unshare.map(quote).join(" ")} /bin/sh -e -c ${quote(setUp.join("\n"))} <<'END'`,
    ...inside,
    "END",
    ...(address === undefined ? [] : ["ip -batch - <<'END'", ...outside, "END"]),
    "",
  ].join("\n");
}

/** Name of the node's end of a pod's veth pair: 15 bytes at most. */
function cableName(sandboxId: string): string {
  return `v${sandboxId.slice(0, 12)}`;
}

/** Removes a sandbox's network, pins and mounts, whatever of them is there. */
async function takeDown(inNode: readonly string[], sandboxId: string, dir: string): Promise<void> {
  const targets = [...pins, "shm"].map((name) => join(dir, name)).filter(existsSync);
  // Deleting the link, not only its namespace, takes the route away before this returns.
  const lines = [
    `ip link delete ${cableName(sandboxId)} 2>/dev/null`,
    ...targets.map((target) => `umount -l ${quote(target)} 2>/dev/null`),
    ":",
  ];
  await runAny([...inNode, "/bin/sh", "-s"], lines.join("\n"));
}

/** Programs are looked up once: inside a container PATH is the container's. */
function findProgram(name: string): string {
  const dirs = [...(process.env.PATH ?? "").split(":"), "/usr/bin", "/bin", "/usr/sbin", "/sbin"];
  const found = dirs
    .filter((dir) => dir.startsWith("/"))
    .map((dir) => join(dir, name))
    .find(existsSync);
  if (found === undefined) throw new Error(`${name} is not installed (it is part of util-linux)`);
  return found;
}

/** Why this driver cannot be used here; undefined: it can. Tries the real thing, since kernels, seccomp and capabilities all have a say. */
export async function whyNoNamespaces(nodeNamespace: string | undefined): Promise<string | undefined> {
  if (process.platform !== "linux") return `it needs Linux, this is ${process.platform}`;
  if (process.getuid?.() !== 0) return "it needs root";
  if (nodeNamespace === undefined && namespaceOf("self", "net") === namespaceOf(1, "net")) {
    return "the kubelet must run in a network namespace of its own (nsenter --net=…): the host's is not touched";
  }
  try {
    for (const program of ["unshare", "nsenter", "mount", "pivot_root", "setpriv", "ip"]) findProgram(program);
    await run([
      "unshare",
      "--mount",
      "--propagation",
      "private",
      "--net",
      "--uts",
      "--ipc",
      "--pid",
      "--fork",
      "/bin/sh",
      "-ec",
      "mount -t tmpfs probe /mnt; mkdir /mnt/up /mnt/work /mnt/root; mount -t overlay -o lowerdir=/,upperdir=/mnt/up,workdir=/mnt/work probe /mnt/root",
    ]);
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
}
