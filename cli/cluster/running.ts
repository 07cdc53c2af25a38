import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { setTimeout as delay } from "node:timers/promises";
import { Deferred, Failure } from "../../base/mod.ts";
import { step } from "../output.ts";
import type { SupervisorMessage } from "../supervise.ts";
import { componentsOf } from "./components.ts";
import { type ClusterConfig, ownNetworks } from "./config.ts";
import { lastLogLine, startSupervisor, stopCluster } from "./control.ts";
import type { Layout } from "./layout.ts";
import { certificateFile, keyFile, pkiNames } from "./pki-files.ts";
import type { ComponentEvent } from "./supervisor.ts";

/** GET as the cluster's administrator; undefined while there is no good answer. */
function adminGet(layout: Layout, config: ClusterConfig, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const query = request(
      {
        host: "127.0.0.1",
        port: config.apiPort,
        path,
        ca: readFileSync(certificateFile(layout, pkiNames.ca)),
        cert: readFileSync(certificateFile(layout, pkiNames.admin)),
        key: readFileSync(keyFile(layout, pkiNames.admin)),
        agent: false,
        timeout: 5_000,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve(response.statusCode === 200 ? Buffer.concat(chunks).toString() : undefined));
        response.on("error", () => resolve(undefined));
      },
    );
    query.on("timeout", () => query.destroy());
    query.on("error", () => resolve(undefined));
    query.end();
  });
}

interface NodeList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  }[];
}

/** Names of the nodes whose condition Ready is True. */
export async function readyNodes(layout: Layout, config: ClusterConfig): Promise<Set<string>> {
  const body = await adminGet(layout, config, "/api/v1/nodes");
  if (body === undefined) return new Set();
  const ready = (JSON.parse(body) as NodeList).items.filter((node) =>
    node.status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True"),
  );
  return new Set(ready.map((node) => node.metadata.name));
}

/** A cluster whose supervisor still talks to this process. */
export class RunningCluster {
  readonly #layout: Layout;
  readonly #config: ClusterConfig;
  readonly #supervisor: ChildProcess;

  constructor(layout: Layout, config: ClusterConfig, supervisor: ChildProcess) {
    this.#layout = layout;
    this.#config = config;
    this.#supervisor = supervisor;
  }

  /** Leaves the cluster running and lets this process end. */
  detach(): void {
    this.#supervisor.disconnect();
    this.#supervisor.unref();
  }

  /** Prints what happens to the components until Ctrl-C, which stops the cluster (and keeps its data). */
  async follow(): Promise<void> {
    const ended = new Deferred<void>();
    this.#supervisor.on("message", (message: SupervisorMessage) => {
      if (message.kind === "event") sayEvent(message.event, new Map());
    });
    this.#supervisor.once("exit", () => ended.resolve());
    const stop = () => {
      step("note", "stopping", "the data stays; `flotilla start` resumes");
      void stopCluster(this.#layout, this.#config).then(ended.resolve, ended.reject);
    };
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
    await ended.promise;
  }
}

function networkOf({ nodes, rootless }: ClusterConfig): string {
  return `${nodes.length} nodes${rootless === true ? ", in a user namespace" : ""}`;
}

function sayEvent(event: ComponentEvent, where: ReadonlyMap<string, string>): void {
  const { component } = event;
  if (event.state === "ready") step("done", component, where.get(component) ?? "", event.afterMs);
  if (event.state === "exited") step("note", component, `${event.how}; restarting in ${event.restartInMs} ms`);
  if (event.state === "gave up") step("failed", component, event.how);
}

/** Starts the supervisor and prints a line per component as it becomes ready; fails when not all are after `waitMs`. */
export async function startAndWait(layout: Layout, config: ClusterConfig, waitMs: number): Promise<RunningCluster> {
  const startedAt = performance.now();
  const supervisor = await startSupervisor(layout);
  const where = new Map(componentsOf(layout, config).map((component) => [component.name, component.where]));
  const pending = new Set(where.keys());
  const allReady = new Deferred<void>();
  supervisor.on("message", (message: SupervisorMessage) => {
    if (message.kind === "network ready") {
      if (ownNetworks(config)) step("done", "network", networkOf(config), message.afterMs);
    } else if (message.kind === "event") {
      sayEvent(message.event, where);
      if (message.event.state === "ready") pending.delete(message.event.component);
    } else if (message.kind === "all ready") allReady.resolve();
    else allReady.reject(new Failure("StartFailed", message.why, `Everything is in ${layout.logs}`));
  });
  supervisor.once("exit", () =>
    allReady.reject(
      new Failure("SupervisorEnded", "the supervisor ended", `Its log says why: ${layout.logFile("supervisor")}`),
    ),
  );
  const timeout = new AbortController();
  const tooLate = delay(waitMs, undefined, { signal: timeout.signal }).then(() => {
    const late = [...pending].map((name) => `${name} (${lastLogLine(layout, name).slice(0, 200)})`);
    throw new Failure(
      "StartTimeout",
      `not ready after ${waitMs / 1000} s: ${late.join("; ") || "nodes"}`,
      `Wait longer with --wait, or read ${layout.logs}`,
    );
  });
  try {
    await Promise.race([waitForAll(layout, config, allReady.promise, startedAt, timeout.signal), tooLate]);
  } catch (error) {
    await stopCluster(layout, config);
    throw error;
  } finally {
    timeout.abort();
    tooLate.catch(() => undefined); // Aborting it is how the wait ends well.
  }
  return new RunningCluster(layout, config, supervisor);
}

async function waitForAll(
  layout: Layout,
  config: ClusterConfig,
  processes: Promise<void>,
  startedAt: number,
  signal: AbortSignal,
) {
  await processes;
  const seen = new Set<string>();
  while (seen.size < config.nodes.length && !signal.aborted) {
    for (const node of await readyNodes(layout, config)) {
      if (seen.has(node)) continue;
      seen.add(node);
      step("done", node, "Ready", performance.now() - startedAt);
    }
    if (seen.size < config.nodes.length) await delay(50);
  }
}
