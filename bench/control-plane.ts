import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { componentsOf } from "../cli/cluster/components.ts";
import type { ClusterConfig } from "../cli/cluster/config.ts";
import { kubeconfigFor, writeKubeconfig } from "../cli/cluster/kubeconfig.ts";
import { type Layout, layoutOf } from "../cli/cluster/layout.ts";
import { ensurePki } from "../cli/cluster/pki.ts";
import { pkiNames } from "../cli/cluster/pki-files.ts";
import { componentScript } from "../cli/cluster/sources.ts";
import { Client } from "../controlplane/client/mod.ts";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  await once(server.close(), "close");
  return port;
}

/** Clock ticks a second of /proc; what `getconf CLK_TCK` says on Linux. */
const ticksPerSecond = 100;

/** User and system time of a process so far, in seconds. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Store, API server and scheduler as processes, started as `flotilla up` starts them; no nodes. */
export class ControlPlane {
  readonly client: Client;
  readonly layout: Layout;
  readonly #processes = new Map<string, ChildProcess>();
  readonly #config: ClusterConfig;
  readonly #nodeOptions: readonly string[];
  readonly #script: string;

  private constructor(
    layout: Layout,
    config: ClusterConfig,
    client: Client,
    script: string,
    nodeOptions: readonly string[],
  ) {
    this.layout = layout;
    this.client = client;
    this.#config = config;
    this.#script = script;
    this.#nodeOptions = nodeOptions;
  }

  static async start(folder: string, memberCount: number, nodeOptions: readonly string[] = []): Promise<ControlPlane> {
    const layout = layoutOf("bench", folder);
    for (const dir of [layout.root, layout.run, layout.logs, layout.sockets]) mkdirSync(dir, { recursive: true });
    const members = [];
    for (let i = 1; i <= memberCount; i++) {
      members.push({ name: `etcd-${i}`, clientPort: await freePort(), peerPort: await freePort() });
    }
    const config: ClusterConfig = {
      version: 1,
      name: "bench",
      token: `bench-${process.pid}`,
      members,
      apiPort: await freePort(),
      nodes: [],
      runtime: "process",
    };
    await ensurePki(layout, config);
    writeKubeconfig(layout.kubeconfig, kubeconfigFor(layout, config, pkiNames.admin));
    writeKubeconfig(`${layout.run}/scheduler.kubeconfig`, kubeconfigFor(layout, config, pkiNames.scheduler));
    const client = await Client.fromKubeconfig(layout.kubeconfig);
    const plane = new ControlPlane(layout, config, client, await componentScript(), nodeOptions);
    for (const { name } of members) plane.spawn(name);
    plane.spawn("apiserver");
    const deadline = performance.now() + 60_000;
    while (!(await plane.#isReady())) {
      if (performance.now() > deadline) throw new Error(`the API server does not become ready; logs in ${layout.logs}`);
      await delay(100);
    }
    return plane;
  }

  /** Starts a component by its name in `flotilla status`. */
  spawn(name: string): void {
    const component = componentsOf(this.layout, this.#config).find((one) => one.name === name);
    if (component === undefined) throw new Error(`there is no component ${name}`);
    const log = openSync(this.layout.logFile(name), "a");
    const args = [...this.#nodeOptions, this.#script, ...component.args];
    this.#processes.set(name, spawn(process.execPath, args, { cwd: this.layout.root, stdio: ["ignore", log, log] }));
  }

  /** Seconds of CPU that each component has used. */
  cpu(): Map<string, number> {
    return new Map([...this.#processes].map(([name, { pid }]) => [name, cpuSeconds(pid as number)]));
  }

  async stop(): Promise<void> {
    await this.client.close();
    for (const [name, child] of [...this.#processes].reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      // Profiles are written by a process that ends by itself.
      child.kill(this.#nodeOptions.length > 0 || name === "scheduler" ? "SIGTERM" : "SIGKILL");
      const exit = once(child, "exit");
      await Promise.race([exit, delay(10_000).then(() => child.kill("SIGKILL"))]);
      await exit;
    }
  }

  async #isReady(): Promise<boolean> {
    try {
      await this.client.namespaces.get("default");
      return true;
    } catch {
      return false; // Nothing listens yet, or it is still filling its caches.
    }
  }
}
