import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { extname, join } from "node:path";
import { Deferred, Failure } from "../../base/mod.ts";
import { failureLine } from "../component.ts";
import type { Component } from "./components.ts";
import type { Layout } from "./layout.ts";
import { forget, innermost, recordOf, writeRecord } from "./processes.ts";

const firstBackOffMs = 200;
const longestBackOffMs = 10_000;
/** A component that ran this long has recovered: its next crash starts from the first back-off again. */
const healthyAfterMs = 30_000;
/** An exit with "usage" or a failure before the first readiness will not get better by itself this many times in a row. */
const startAttempts = 8;

/** The program itself, in the form in which this process runs. */
const flotillaScript = join(import.meta.dirname, "..", `flotilla${extname(import.meta.filename)}`);

/** What a component's life looks like from outside. */
export type ComponentEvent =
  | { readonly component: string; readonly state: "starting"; readonly pid: number; readonly attempt: number }
  | { readonly component: string; readonly state: "ready"; readonly pid: number; readonly afterMs: number }
  | { readonly component: string; readonly state: "exited"; readonly how: string; readonly restartInMs: number }
  | { readonly component: string; readonly state: "gave up"; readonly how: string };

export interface SuperviseOptions {
  readonly layout: Layout;
  readonly cluster: string;
  /** Beginning of the command line, for a component whose process starts elsewhere than in this one's namespaces. */
  entering(component: Component): readonly string[];
  /** Called with every process as it starts, to answer what it asks for. */
  attend(child: ChildProcess): void;
  onEvent(event: ComponentEvent): void;
}

function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `exit code ${code}` : `killed by ${signal}`;
}

/** To the component itself, also where something else waits for it in its place. */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const pid = innermost(child.pid);
  if (pid === child.pid) child.kill(name);
  else {
    process.kill(pid, name);
    // What waits for it stops when it does (nsenter), and would not see it end.
    child.kill("SIGCONT");
  }
}

/** Keeps one component running: starts it, hears when it is ready, starts it again with growing back-off when it ends. */
class Keeper {
  readonly component: Component;
  readonly ready = new Deferred<void>();
  readonly #options: SuperviseOptions;
  readonly #recordFile: string;
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #stopping: Deferred<void> | undefined;
  #backOffMs = firstBackOffMs;
  #failedStarts = 0;
  #everReady = false;

  constructor(component: Component, options: SuperviseOptions) {
    this.component = component;
    this.#options = options;
    this.#recordFile = join(options.layout.run, `${component.name}.pid`);
    // A start that fails is reported by an event; who does not wait for readiness must not be struck by the rejection.
    this.ready.promise.catch(() => undefined);
  }

  start(): void {
    this.#spawn();
  }

  /** Resolves when the process is gone. */
  stop(graceMs: number): Promise<void> {
    if (this.#stopping !== undefined) return this.#stopping.promise;
    this.#stopping = new Deferred<void>();
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined) this.#stopping.resolve();
    else {
      signal(child, "SIGTERM");
      const insist = setTimeout(() => signal(child, "SIGKILL"), graceMs);
      this.#stopping.promise.finally(() => clearTimeout(insist));
    }
    return this.#stopping.promise;
  }

  #spawn(): void {
    const { component } = this;
    const { layout, cluster, onEvent } = this.#options;
    const { program } = component;
    try {
      program?.prepare();
    } catch (error) {
      this.#again(failureLine(error), performance.now());
      return;
    }
    const argv = program?.argv ?? [process.execPath, ...process.execArgv, flotillaScript, ...component.args];
    const [command = "", ...args] = [...this.#options.entering(component), ...argv];
    const logFd = openSync(layout.logFile(component.name), "a", 0o600);
    const startedAt = performance.now();
    const child = spawn(command, args, {
      cwd: layout.root,
      env: { ...process.env, FLOTILLA_CLUSTER_DIR: layout.root, FLOTILLA_CLUSTER: cluster },
      stdio: ["ignore", logFd, logFd, "ipc"],
      detached: true,
    });
    closeSync(logFd);
    this.#child = child;
    this.#options.attend(child);
    child.once("spawn", () => {
      const pid = child.pid as number;
      writeRecord(this.#recordFile, recordOf(pid));
      onEvent({ component: component.name, state: "starting", pid, attempt: this.#failedStarts + 1 });
    });
    const ready = () => {
      if (this.#child !== child) return;
      this.#everReady = true;
      this.#failedStarts = 0;
      this.ready.resolve();
      const afterMs = performance.now() - startedAt;
      const pid = innermost(child.pid as number);
      writeRecord(this.#recordFile, recordOf(pid));
      onEvent({ component: component.name, state: "ready", pid, afterMs });
    };
    child.on("message", (message) => {
      if (message === "ready") ready();
    });
    // One that never gets ready is ended, and started again.
    program?.ready().then(ready, () => signal(child, "SIGKILL"));
    child.once("error", (error) => this.#ended(`cannot start: ${error.message}`, startedAt));
    child.once("exit", (code, signal) => this.#ended(describeExit(code, signal), startedAt));
  }

  #ended(how: string, startedAt: number): void {
    if (this.#child === undefined) return;
    this.#child = undefined;
    forget(this.#recordFile);
    if (this.#stopping !== undefined) {
      this.#stopping.resolve();
      return;
    }
    this.#again(how, startedAt);
  }

  #again(how: string, startedAt: number): void {
    const { onEvent, layout } = this.#options;
    const component = this.component.name;
    if (!this.#everReady && ++this.#failedStarts >= startAttempts) {
      onEvent({ component, state: "gave up", how });
      this.ready.reject(
        new Failure(
          "ComponentFailed",
          `${component} does not start (${how})`,
          `Its log says why: ${layout.logFile(component)}`,
        ),
      );
      return;
    }
    if (performance.now() - startedAt > healthyAfterMs) this.#backOffMs = firstBackOffMs;
    onEvent({ component, state: "exited", how, restartInMs: this.#backOffMs });
    this.#restart = setTimeout(() => this.#spawn(), this.#backOffMs);
    this.#backOffMs = Math.min(this.#backOffMs * 2, longestBackOffMs);
  }
}

/** All components of one cluster. */
export class Supervisor {
  readonly #keepers: readonly Keeper[];

  constructor(components: readonly Component[], options: SuperviseOptions) {
    mkdirSync(options.layout.logs, { recursive: true, mode: 0o700 });
    mkdirSync(options.layout.run, { recursive: true, mode: 0o700 });
    this.#keepers = components.map((component) => new Keeper(component, options));
  }

  /** Starts all at once: each component waits for those that it needs. Rejects when one does not start. */
  async start(): Promise<void> {
    for (const keeper of this.#keepers) keeper.start();
    await Promise.all(this.#keepers.map((keeper) => keeper.ready.promise));
  }

  /** Stops what depends on others first: node agents, scheduler and controllers, container engines, API server, store members. */
  async stop(graceMs = 10_000): Promise<void> {
    const store = this.#keepers.filter(({ component }) => component.args[0] === "etcd");
    const engines = this.#keepers.filter(({ component }) => component.program !== undefined);
    const isApi = ({ component }: Keeper) => ["apiserver", "balancer"].includes(component.args[0] as string);
    const apiServer = this.#keepers.filter(isApi);
    const rest = this.#keepers.filter((keeper) => ![...store, ...engines, ...apiServer].includes(keeper));
    for (const group of [rest, engines, apiServer, store])
      await Promise.all(group.map((keeper) => keeper.stop(graceMs)));
  }
}
