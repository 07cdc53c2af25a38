import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { assert, type Clock } from "../../../../base/mod.ts";
import type { NamespaceMode, PodSandboxConfig } from "../cri.ts";
import { AddressPool } from "./address-pool.ts";
import { becomeUser, containerFiles, sharesMounts, terminalInside, toolsInside } from "./container-script.ts";
import type { Driver, Launch } from "./driver.ts";
import { findProgram, findProgramIfThere } from "./find-program.ts";
import { dialHere, PodDialers } from "./port-forward.ts";
import { allProcesses, commandLine, isAlive, namespaceOf, pinnedNamespace, signal } from "./procfs.ts";
import type { ContainerRecord, SandboxRecord } from "./records.ts";
import { cableName, sandboxScript } from "./sandbox-script.ts";
import { whyNoFilters } from "./seccomp/filter.ts";
import { shimScript } from "./shim.ts";
import { quote, run, runAny } from "./spawn.ts";
import { Tools } from "./tools.ts";
import { type IdMap, readIdMap } from "./user-namespace.ts";

export interface NamespacesDriverOptions {
  readonly stateDir: string;
  readonly exitsDir: string;
  readonly maskedPaths: readonly string[];
  /** File of the node's network namespace; undefined: the one this process is in. */
  readonly nodeNamespace: string | undefined;
  readonly clock: Clock;
}

const pins = ["net", "uts", "ipc"] as const;

/**
 * Containers out of util-linux alone (unshare, nsenter, mount, pivot_root, setpriv), as root, on Linux. A sandbox is three namespaces
 * pinned as bind-mounted files: no pause process. The pod's address is routed through a veth pair, without a bridge, which
 * lets Services reach pods of the same node and pods reach themselves through one.
 */
export class NamespacesDriver implements Driver {
  readonly name = "namespaces";
  readonly ownRoots = true;
  readonly limits = true;
  readonly #options: NamespacesDriverOptions;
  readonly #devLinks: string;
  readonly #ids = readIdMap();
  readonly #dialers: PodDialers;
  #tools: Tools | undefined;
  #diskLayers = false;
  #addresses: AddressPool | undefined;

  constructor(options: NamespacesDriverOptions) {
    this.#options = options;
    this.#dialers = new PodDialers(options.clock);
    this.#devLinks = join(options.stateDir, "dev");
  }

  get limitations(): readonly string[] {
    const { uids } = this.#ids;
    const noFilters = whyNoFilters(findProgramIfThere("perl") !== undefined);
    return [
      "AppArmor and SELinux profiles are not applied",
      ...(noFilters === undefined ? [] : [`seccomp profiles are not applied: ${noFilters}`]),
      ...(uids === 1 ? ["there is one user id only: runAsUser and the owners of files in images have no effect"] : []),
    ];
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
    this.#tools = await Tools.prepare(join(this.#options.stateDir, "tools"), toolsInside);
    this.#diskLayers = await takesUpperLayers(this.#options.stateDir, this.#ids.inUserNamespace);
    await this.#keepMountsApart();
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

  /** Mounts made below the state directory stay in the namespace they are made in, even where the machine's own are shared. */
  async #keepMountsApart(): Promise<void> {
    const dir = quote(this.#options.stateDir);
    await run(
      ["/bin/sh", "-e", "-s"],
      `mountpoint -q ${dir} || mount --bind ${dir} ${dir}\nmount --make-private ${dir}\n`,
    );
  }

  get #prepared(): { tools: Tools; ids: IdMap; diskLayers: boolean; devLinks: string; maskedPaths: readonly string[] } {
    assert(this.#tools !== undefined, "a driver is prepared before it is used");
    const { maskedPaths } = this.#options;
    return { tools: this.#tools, ids: this.#ids, diskLayers: this.#diskLayers, devLinks: this.#devLinks, maskedPaths };
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
    const hostNetwork = config.linux.namespaceOptions.network === "NODE";
    const address = hostNetwork ? undefined : this.#allocate();
    try {
      writeSandboxFiles(config, dir);
      const hostIpc = config.linux.namespaceOptions.ipc === "NODE";
      const wanted = { net: !hostNetwork, uts: true, ipc: !hostIpc };
      for (const pin of pins) if (wanted[pin]) writeFileSync(join(dir, pin), "");
      const nodeNamespace = this.#options.nodeNamespace ?? `${process.pid}`;
      const nodeAddress = this.#addresses?.first;
      const script = sandboxScript({ sandbox, dir, address, nodeAddress, nodeNamespace });
      await run([...this.#inNode, "/bin/sh", "-e", "-s"], script);
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
    const pause = pauseOf(dir);
    if (pause !== undefined) signal(pause, "SIGKILL");
    await takeDown(this.#inNode, sandbox.id, dir);
    if (sandbox.ip !== undefined) this.#addresses?.release(sandbox.ip);
  }

  isSandboxAlive(sandbox: SandboxRecord, dir: string): boolean {
    if (sandbox.config.linux.namespaceOptions.network !== "NODE") {
      if (pinnedNamespace(join(dir, "net"), "net") === undefined) return false;
      // The node's namespace was made anew: the pod's cable leads nowhere.
      if (sandbox.nodeNamespace !== this.nodeNamespaceId()) return false;
    }
    if (sandbox.config.linux.namespaceOptions.pid === "POD" && pauseOf(dir) === undefined) return false;
    return pinnedNamespace(join(dir, "uts"), "uts") !== undefined;
  }

  networkUsage(sandbox: SandboxRecord): { rxBytes: number; txBytes: number } | undefined {
    // Seen from the node's end of the cable: what it sends, the pod receives.
    const line = readFileSync("/proc/self/net/dev", "utf8")
      .split("\n")
      .find((one) => one.trimStart().startsWith(`${cableName(sandbox.id)}:`));
    const numbers = line
      ?.slice(line.indexOf(":") + 1)
      .trim()
      .split(/\s+/)
      .map(Number);
    return numbers && { rxBytes: numbers[8] ?? 0, txBytes: numbers[0] ?? 0 };
  }

  shim(launch: Launch): { files: Readonly<Record<string, string>>; argv: readonly string[] } {
    const { sandboxDir, sandbox } = launch;
    const { network, ipc } = sandbox.config.linux.namespaceOptions;
    const net = network === "NODE" ? this.#options.nodeNamespace : `${sandboxDir}/net`;
    const enter = [
      "nsenter",
      ...(net === undefined ? [] : [`--net=${net}`]),
      `--uts=${sandboxDir}/uts`,
      ...(ipc === "NODE" ? [] : [`--ipc=${sandboxDir}/ipc`]),
      ...this.#enterProcesses(launch),
    ];
    const propagation = sharesMounts(launch) ? "unchanged" : "slave";
    mkdirSync(join(launch.dir, "layer"), { recursive: true });
    const files = {
      ...containerFiles(launch, this.#prepared),
      "shim.sh": shimScript({
        dir: launch.dir,
        exitFile: join(this.#options.exitsDir, launch.container.id),
        enter,
        isolate: ["unshare", "--mount", "--propagation", propagation, "--"],
        stdin: launch.container.config.stdin === true,
      }),
    };
    return { files, argv: ["/bin/sh", join(launch.dir, "shim.sh")] };
  }

  /** End of the prefix that enters the sandbox: into a tree of processes of its own, the pod's, another container's, or the node's. */
  #enterProcesses({ container, sandboxDir }: Launch): readonly string[] {
    const mode = pidModeOf(container);
    // Not `unshare --fork`: it loses the status of a child that a signal killed.
    if (mode === "CONTAINER") return ["--", "unshare", "--pid", "--"];
    if (mode === "NODE") return ["--"];
    const first = mode === "TARGET" ? container.targetPid : pauseOf(sandboxDir);
    if (first === undefined) throw new Error("the process namespace to share is gone");
    return [`--pid=/proc/${first}/ns/pid`, "--no-fork", "--"];
  }

  execArgv(launch: Launch, pid: number, command: readonly string[], tty = false): readonly string[] {
    const join = launch.cgroupFiles.map((file) => `echo 0 > ${quote(file)}; `).join("");
    const { config, env } = launch.container;
    const enter = [
      "nsenter",
      `--target=${pid}`,
      ...["--mount", "--uts", "--ipc", "--net", "--pid", "--root"],
      // What the container's working directory is inside; its own may have moved on since.
      `--wdns=${config.workingDir}`,
      "--",
    ];
    const own = [...env, ...command];
    const words = tty ? terminalInside(this.#prepared.tools, own) : own;
    const become = becomeUser(launch, this.#prepared);
    return ["/bin/sh", "-c", `${join}exec "$@"`, "flotilla-exec", ...enter, ...become, ...words];
  }

  dial(sandbox: SandboxRecord, dir: string, port: number): Promise<Duplex> {
    if (sandbox.config.linux.namespaceOptions.network === "NODE") return dialHere("127.0.0.1", port);
    return this.#dialers.dial(join(dir, "net"), port);
  }

  close(): void {
    this.#dialers.close();
  }

  killAll(container: ContainerRecord, pid: number | undefined): void {
    // Process 1 of a namespace of its own: the kernel ends the others with it.
    if (pid !== undefined) signal(pid, "SIGKILL");
    if (pidModeOf(container) === "CONTAINER" || container.mountNamespace === "") return;
    for (const one of allProcesses()) if (namespaceOf(one, "mnt") === container.mountNamespace) signal(one, "SIGKILL");
  }
}

function pidModeOf({ config }: ContainerRecord): NamespaceMode {
  return config.linux.securityContext.namespaceOptions?.pid ?? "CONTAINER";
}

/** The living first process of a pod that shares its processes. */
function pauseOf(sandboxDir: string): number | undefined {
  const file = join(sandboxDir, "pause");
  const pid = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
  return pid > 0 && isAlive(pid, "") && commandLine(pid).includes("flotilla-pause") ? pid : undefined;
}

/** Whether overlayfs accepts writable layers on the file system of this directory: not when that is an overlay itself. */
async function takesUpperLayers(dir: string, inUserNamespace: boolean): Promise<boolean> {
  const at = quote(join(dir, "probe"));
  const flags = inUserNamespace ? "userxattr," : "";
  const script = `mkdir -p ${at}/l ${at}/u ${at}/w ${at}/m && cd ${at} && mount -t overlay -o ${flags}lowerdir=l,upperdir=u,workdir=w probe m`;
  const { exitCode } = await runAny(["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script]);
  rmSync(join(dir, "probe"), { recursive: true, force: true });
  return exitCode === 0;
}

function writeSandboxFiles(config: PodSandboxConfig, dir: string): void {
  const { servers, searches, options } = config.dnsConfig ?? { servers: [], searches: [], options: [] };
  const lines = servers.map((server) => `nameserver ${server}`);
  if (searches.length > 0) lines.push(`search ${searches.join(" ")}`);
  if (options.length > 0) lines.push(`options ${options.join(" ")}`);
  writeFileSync(join(dir, "resolv.conf"), lines.map((line) => `${line}\n`).join(""));
  writeFileSync(join(dir, "hostname"), `${config.hostname || hostname()}\n`);
  mkdirSync(join(dir, "shm"), { recursive: true });
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

/** Why this driver cannot be used here; undefined: it can. Tries the real thing, since kernels, seccomp and capabilities all have a say. */
export async function whyNoNamespaces(nodeNamespace: string | undefined): Promise<string | undefined> {
  if (process.platform !== "linux") return `it needs Linux, this is ${process.platform}`;
  if (process.getuid?.() !== 0) return "it needs root";
  if (nodeNamespace === undefined && namespaceOf("self", "net") === namespaceOf(1, "net")) {
    return "the kubelet must run in a network namespace of its own (nsenter --net=…): the host's is not touched";
  }
  const overlay = readIdMap().inUserNamespace ? "userxattr,lowerdir=/usr" : "lowerdir=/";
  try {
    for (const program of ["unshare", "nsenter", "mount", "pivot_root", "setpriv", "setsid", "ip"])
      findProgram(program);
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
      `mount -t tmpfs probe /mnt; mkdir /mnt/up /mnt/work /mnt/root; mount -t overlay -o ${overlay},upperdir=/mnt/up,workdir=/mnt/work probe /mnt/root`,
    ]);
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
}
