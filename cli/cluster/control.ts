import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../base/mod.ts";
import { componentsOf } from "./components.ts";
import type { ClusterConfig } from "./config.ts";
import { readConfig } from "./config.ts";
import type { Layout } from "./layout.ts";
import { clustersHome, layoutOf } from "./layout.ts";
import { releaseNetwork } from "./node-networks.ts";
import { endProcesses, liveProcess, type ProcessRecord, processesWithEnvironment } from "./processes.ts";
import { componentScript } from "./sources.ts";

export function supervisorOf(layout: Layout): ProcessRecord | undefined {
  return liveProcess(join(layout.run, "supervisor.pid"));
}

/** Starts the supervisor as a process of its own session; its messages arrive on the returned child until it disconnects. */
export async function startSupervisor(layout: Layout) {
  const script = await componentScript();
  for (const folder of [layout.logs, layout.run, layout.sockets]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const logFd = openSync(layout.logFile("supervisor"), "a", 0o600);
  return spawn(process.execPath, [...process.execArgv, script, "supervise", layout.root], {
    cwd: layout.root,
    env: { ...process.env, FLOTILLA_CLUSTER_DIR: layout.root },
    detached: true,
    stdio: ["ignore", logFd, logFd, "ipc"],
  });
}

/** How long the supervisor may take to stop everything in order before it is killed. */
const stopGraceMs = 30_000;

/**
 * Ends every process of the cluster and takes away what they left in the kernel; keeps the data.
 * Works whatever state the cluster is in: running, half started, or killed.
 */
export async function stopCluster(layout: Layout, config: ClusterConfig | undefined): Promise<void> {
  const supervisor = supervisorOf(layout);
  if (supervisor !== undefined) await endProcesses([supervisor], stopGraceMs);
  await endProcesses(processesWithEnvironment("FLOTILLA_CLUSTER_DIR", layout.root), 5_000);
  if (config !== undefined) await releaseNetwork(layout, config);
  rmSync(layout.run, { recursive: true, force: true });
  rmSync(layout.sockets, { recursive: true, force: true });
}

export interface KnownCluster {
  readonly name: string;
  readonly root: string;
  readonly running: boolean;
}

/** Clusters in the default place. Those made with --data-dir are only known to who made them. */
export function knownClusters(): KnownCluster[] {
  const home = clustersHome();
  if (!existsSync(home)) return [];
  return readdirSync(home)
    .filter((name) => existsSync(layoutOf(name).configFile))
    .map((name) => ({ name, root: layoutOf(name).root, running: supervisorOf(layoutOf(name)) !== undefined }));
}

/** The cluster a command is about; fails when there is none. */
export function requireCluster(name: string, dataDir?: string): { layout: Layout; config: ClusterConfig } {
  const layout = layoutOf(name, dataDir);
  const config = readConfig(layout);
  if (config !== undefined) return { layout, config };
  const others = knownClusters().map((cluster) => cluster.name);
  const known = others.length === 0 ? "There are no clusters yet" : `Known clusters: ${others.join(", ")}`;
  throw new Failure(
    "NoCluster",
    `there is no cluster "${name}" in ${layout.root}`,
    `${known}; make one with \`flotilla up\``,
  );
}

export interface ComponentState {
  readonly name: string;
  readonly where: string;
  readonly pid: number | undefined;
}

export function componentStates(layout: Layout, config: ClusterConfig): ComponentState[] {
  return componentsOf(layout, config).map(({ name, where }) => ({
    name,
    where,
    pid: liveProcess(join(layout.run, `${name}.pid`))?.pid,
  }));
}

/** The last line a component wrote, for an error message. */
export function lastLogLine(layout: Layout, component: string): string {
  try {
    const lines = readFileSync(layout.logFile(component), "utf8").trimEnd().split("\n");
    return lines.at(-1) ?? "";
  } catch {
    return ""; // it never came to writing one, and the message says what it can without
  }
}
