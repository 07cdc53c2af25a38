import { createHash } from "node:crypto";
import { mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Duplex } from "node:stream";
import { AddressPool } from "./address-pool.ts";
import type { Driver, Launch } from "./driver.ts";
import { findProgram } from "./find-program.ts";
import { dialHere } from "./port-forward.ts";
import { allProcesses, environment, processTree, signal } from "./procfs.ts";
import type { ContainerRecord, SandboxRecord } from "./records.ts";
import { becomeCommand, scriptPreamble, shimScript } from "./shim.ts";
import { quote } from "./spawn.ts";
import { onTerminal } from "./terminal.ts";

/** Marks every process of a container in its environment: without namespaces nothing else holds them together. */
const markerVariable = "FLOTILLA_CONTAINER";

/** The last resort: a container is a plain child process, a pod is an address of the loopback interface. Nothing is isolated. */
export class ProcessDriver implements Driver {
  readonly name = "process";
  readonly ownRoots = false;
  readonly limits = false;
  readonly limitations: readonly string[] = [
    "no isolation: containers are plain processes of the kubelet's user, in the machine's own file system, network and process tree",
    "a pod has an address 127.x.y.z; programs must bind POD_IP, or they collide with other pods on the same port",
    "volumes are not mounted: they lie below the directory in FLOTILLA_ROOT, under their mount paths",
    "CPU and memory limits, runAsUser, capabilities, read-only root and host name are not applied",
  ];
  readonly #exitsDir: string;
  readonly #addresses: AddressPool;

  constructor(options: { readonly stateDir: string; readonly exitsDir: string }) {
    this.#exitsDir = options.exitsDir;
    // Nodes and clusters on one machine share 127.0.0.0/8: the state directory decides on a /24 of it.
    const digest = createHash("sha256").update(options.stateDir).digest();
    this.#addresses = new AddressPool(`127.${1 + (digest.readUInt8(0) % 254)}.${digest.readUInt8(1)}.0/24`);
  }

  async prepare(): Promise<void> {
    // Nothing to make: there is nothing but processes.
  }

  async setPodCidr(_cidr: string, taken: Iterable<string>): Promise<void> {
    for (const ip of taken) this.#addresses.claim(ip);
  }

  networkReady(): { ready: boolean; message: string } {
    return { ready: true, message: "" };
  }

  nodeNamespaceId(): string {
    return "";
  }

  async startSandbox(sandbox: SandboxRecord, _dir: string): Promise<string | undefined> {
    return sandbox.config.linux.namespaceOptions.network === "NODE" ? undefined : this.#addresses.allocate();
  }

  async stopSandbox(sandbox: SandboxRecord, _dir: string): Promise<void> {
    if (sandbox.ip !== undefined) this.#addresses.release(sandbox.ip);
  }

  isSandboxAlive(): boolean {
    return true;
  }

  networkUsage(): undefined {
    return undefined; // all pods share the loopback interface
  }

  shim(launch: Launch): { files: Readonly<Record<string, string>>; argv: readonly string[] } {
    const { container, dir } = launch;
    const root = join(dir, "root");
    for (const mount of container.config.mounts) {
      const link = join(root, mount.containerPath);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(mount.hostPath, link);
    }
    mkdirSync(root, { recursive: true });
    const command = becomeCommand({
      workingDir: container.config.workingDir,
      env: this.#env(launch),
      argv: container.argv,
      become: ["env", "-i"],
      onTerminal: container.config.tty === true ? terminalOfMachine : undefined,
    });
    const files = {
      "run.sh": `${scriptPreamble}${command}`,
      "shim.sh": shimScript({
        dir,
        exitFile: join(this.#exitsDir, container.id),
        enter: [],
        isolate: ["setsid"],
        stdin: container.config.stdin === true,
      }),
    };
    return { files, argv: ["/bin/sh", join(dir, "shim.sh")] };
  }

  #env(launch: Launch): readonly string[] {
    const ip = launch.sandbox.ip ?? "127.0.0.1";
    return [
      ...launch.container.env,
      `POD_IP=${ip}`,
      `FLOTILLA_ROOT=${join(launch.dir, "root")}`,
      `${markerVariable}=${launch.container.id}`,
    ];
  }

  execArgv(launch: Launch, _pid: number, command: readonly string[], tty = false): readonly string[] {
    const change = `cd ${quote(launch.container.config.workingDir)} && exec "$@"`;
    const words = [...this.#env(launch), ...command];
    return ["/bin/sh", "-c", change, "flotilla-exec", "env", "-i", ...(tty ? terminalOfMachine(words) : words)];
  }

  dial(sandbox: SandboxRecord, _dir: string, port: number): Promise<Duplex> {
    return dialHere(sandbox.ip ?? "127.0.0.1", port);
  }

  close(): void {
    // Connections to pods are the machine's own.
  }

  killAll({ id }: ContainerRecord, pid: number | undefined): void {
    if (pid !== undefined) for (const member of processTree(pid)) signal(member, "SIGKILL");
    // Whoever left the tree (setsid, double fork) still carries the marker.
    killMarked((marked) => marked === id);
  }
}

function terminalOfMachine(words: readonly string[]): readonly string[] {
  const [script, env] = [findProgram("script"), findProgram("env")];
  return onTerminal({ env: ["SHELL=/bin/sh"], script: [script], become: ["exec", env, "-i"], words });
}

/** Kills every process that carries the mark of a container that fits. */
export function killMarked(fits: (containerId: string) => boolean): void {
  for (const pid of allProcesses()) {
    if (pid === process.pid) continue;
    const marker = environment(pid)
      .split("\0")
      .find((entry) => entry.startsWith(`${markerVariable}=`));
    if (marker !== undefined && fits(marker.slice(markerVariable.length + 1))) signal(pid, "SIGKILL");
  }
}
