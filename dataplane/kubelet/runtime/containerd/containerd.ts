import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Failure, type Log } from "../../../../base/mod.ts";
import { systemClock } from "../../../../controlplane/client/mod.ts";
import { buildPauseImage } from "../../images/busybox-image.ts";
import { writeLayout } from "../../images/writer.ts";
import { cgroupNameOf } from "../embedded/cgroup-name.ts";
import { destroyEveryCgroup } from "../embedded/cgroup-tree.ts";
import { findProgramIfThere } from "../embedded/find-program.ts";
import { allProcesses, commandLine, isAlive, signal } from "../embedded/procfs.ts";
import { unmountBelow } from "../embedded/unmount.ts";
import { CriRuntime } from "../grpc/cri-runtime.ts";
import { cniBinDir, cniConfig, containerdConfig, networkPlugins } from "./containerd-config.ts";
import { type ContainerdDirs, containerdDirsOf } from "./containerd-dirs.ts";
import { importIntoContainerd } from "./containerd-images.ts";

export interface StartContainerdOptions {
  /** The node's root directory. Everything lies below `containerd/` in it. */
  readonly rootDir: string;
  /** File of the node's network namespace; undefined: the one this process is in. */
  readonly netns?: string;
  /** The node's range of pod addresses. Undefined: the kubelet tells it with UpdateRuntimeConfig. */
  readonly podCIDR?: string;
  /** Without root (in a user namespace): crun, no control groups. */
  readonly rootless?: boolean;
  /** Hosts reached by plain HTTP, with their port. */
  readonly insecureRegistries?: readonly string[];
  readonly log: Log;
}

export interface RunningContainerd {
  /** For `--container-runtime-endpoint`. */
  readonly endpoint: string;
  readonly socket: string;
  readonly pid: number;
  /** Ends the daemon; its containers go on, and the next one finds them. */
  stop(): Promise<void>;
  /** Ends everything and removes all of it: see destroyContainerd. */
  destroy(): Promise<void>;
}

const sandboxImage = "registry.k8s.io/pause:3.9";

/** What is missing on this machine for nodes that run containerd; undefined: nothing. */
export function whyNoContainerd(options: { readonly rootless?: boolean } = {}): string | undefined {
  const programs = ["containerd", "ctr", options.rootless === true ? "crun" : "runc"];
  const missing = [
    ...programs.filter((name) => findProgramIfThere(name) === undefined),
    ...networkPlugins.filter((name) => !existsSync(join(cniBinDir(), name))).map((name) => `the CNI plugin ${name}`),
  ];
  return missing.length === 0 ? undefined : `${missing.join(", ")} not installed`;
}

/** A node's containerd as a process for somebody else to run, in the node's network namespace. */
export interface ContainerdProcess {
  readonly argv: readonly string[];
  readonly socket: string;
  /** Before each start. Throws Failure (ContainerdMissing). */
  prepare(): void;
  /** Resolves when it answers and has the image of sandboxes; rejects with Failure (ContainerdFailed) when it does not come up. */
  ready(): Promise<void>;
}

export function containerdProcess(options: Omit<StartContainerdOptions, "netns">): ContainerdProcess {
  const dirs = containerdDirsOf(options.rootDir);
  return {
    argv: ["containerd", "-c", dirs.config],
    socket: dirs.socket,
    prepare() {
      requireContainerd(options);
      writeFiles(dirs, options);
    },
    async ready() {
      try {
        const connection = { endpoint: `unix://${dirs.socket}`, clock: systemClock, log: options.log };
        const client = await CriRuntime.connect(connection, 20_000);
        try {
          if ((await client.imageStatus(sandboxImage)) === undefined) await importPause(dirs);
        } finally {
          client.close();
        }
      } catch (error) {
        const why = `containerd did not start: ${(error as Error).message}`;
        throw new Failure("ContainerdFailed", why, `Look into ${dirs.log}`, error);
      }
    },
  };
}

/** Throws Failure, in one line for who wants to run it. */
export function requireContainerd(options: { readonly rootless?: boolean }): void {
  const why = whyNoContainerd(options);
  if (why === undefined) return;
  const advice = `Install containerd, ${options.rootless === true ? "crun" : "runc"} and containernetworking-plugins`;
  throw new Failure("ContainerdMissing", `containerd cannot run here: ${why}`, advice);
}

/**
 * Starts a containerd that belongs to one node, or one for containers that an earlier one has left. Resolves when it answers and has the image
 * of sandboxes. Rejects with Failure when containerd is not installed or does not come up.
 */
export async function startContainerd(options: StartContainerdOptions): Promise<RunningContainerd> {
  const dirs = containerdDirsOf(options.rootDir);
  const daemon = containerdProcess(options);
  daemon.prepare();
  const pid = launch(daemon.argv, dirs, options.netns).pid as number;
  try {
    await daemon.ready();
  } catch (error) {
    signal(pid, "SIGKILL");
    throw error;
  }
  const stop = async () => {
    signal(pid, "SIGTERM");
    await gone([pid]);
  };
  return {
    endpoint: `unix://${dirs.socket}`,
    socket: dirs.socket,
    pid,
    stop,
    destroy: () => destroyContainerd({ rootDir: options.rootDir }),
  };
}

function writeFiles(dirs: ContainerdDirs, options: StartContainerdOptions): void {
  for (const dir of [dirs.root, dirs.state, dirs.cniConfig, dirs.cniData])
    mkdirSync(dir, { recursive: true, mode: 0o711 });
  const { rootless = false, insecureRegistries = [] } = options;
  let ociRuntime = findProgramIfThere(rootless ? "crun" : "runc") ?? "runc";
  if (rootless) {
    const wrapper = join(dirs.base, "crun");
    writeFileSync(wrapper, `#!/bin/sh\nexec ${ociRuntime} --cgroup-manager=disabled "$@"\n`, { mode: 0o755 });
    ociRuntime = wrapper;
  }
  const config = containerdConfig({ dirs, sandboxImage, ociRuntime, disableCgroup: rootless, insecureRegistries });
  writeFileSync(dirs.config, config, { mode: 0o600 });
  writeFileSync(join(dirs.base, "cni.template"), cniConfig(dirs, "{{.PodCIDR}}"));
  if (options.podCIDR !== undefined)
    writeFileSync(join(dirs.cniConfig, "10-flotilla.conflist"), cniConfig(dirs, options.podCIDR));
}

function launch(daemon: readonly string[], dirs: ContainerdDirs, netns: string | undefined) {
  const log = openSync(dirs.log, "a", 0o600);
  const [command = "", ...args] = netns === undefined ? daemon : ["nsenter", `--net=${netns}`, "--", ...daemon];
  // In a session of its own: an interrupt on the terminal is not meant for it.
  const child = spawn(command, args, { detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  child.on("error", () => undefined); // told by the failed connection
  child.unref();
  return child;
}

async function importPause(dirs: ContainerdDirs): Promise<void> {
  const file = join(dirs.base, "pause.tar");
  await writeLayout(file, [await buildPauseImage({ name: sandboxImage })]);
  await importIntoContainerd(dirs.socket, file);
  rmSync(file);
}

/**
 * Ends everything a node's containerd has started and removes everything it has made: daemon, shims, containers, mounts, control groups, the
 * network plug-ins' notes in /var/lib/cni, and the files. The kubelet must be gone. Also after SIGKILL. Idempotent.
 */
export async function destroyContainerd(options: { readonly rootDir: string }): Promise<void> {
  const dirs = containerdDirsOf(options.rootDir);
  await endContainerd(options);
  rmSync(dirs.base, { recursive: true, force: true });
}

/** Ends all processes of a node's containerd and their mounts; images stay. */
export async function endContainerd(options: { readonly rootDir: string }): Promise<void> {
  const dirs = containerdDirsOf(options.rootDir);
  const mine = () =>
    allProcesses().filter((pid) => {
      const [program = "", ...args] = commandLine(pid).split("\0");
      const isIts =
        basename(program).startsWith("containerd") && args.some((arg) => arg === dirs.config || arg === dirs.socket);
      return isIts && isAlive(pid, "");
    });
  for (let pids = mine(); pids.length > 0; pids = mine()) {
    for (const pid of pids) signal(pid, "SIGKILL");
    await gone(pids);
  }
  // Without root, such files are in the machine's own directories, and go with it.
  const strays = process.getuid?.() === 0 ? strayFiles(dirs) : [];
  for (const file of [...strays, dirs.socket, `${dirs.socket}.ttrpc`]) rmSync(file, { force: true });
  // Containers do not carry the node's name, but they are in its control groups.
  await destroyEveryCgroup(cgroupNameOf(options.rootDir));
  await unmountBelow(dirs.base);
}

/** What is made outside the node's directory, whatever its configuration says: shims listen below /run/containerd, network plug-ins keep notes in /var/lib/cni. */
function strayFiles({ state, network }: ContainerdDirs): string[] {
  const tasks = join(state, "io.containerd.runtime.v2.task", "k8s.io");
  const notes = "/var/lib/cni/results";
  return [
    ...namesIn(tasks).flatMap((id) => [
      readIfThere(join(tasks, id, "address"))
        .replace("unix://", "")
        .trim(),
      join(notes, `cni-loopback-${id}-lo`),
    ]),
    ...namesIn(notes)
      .filter((name) => name.startsWith(`${network}-`))
      .map((name) => join(notes, name)),
  ].filter((file) => file !== "");
}

async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some((pid) => isAlive(pid, ""))) await delay(5);
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
