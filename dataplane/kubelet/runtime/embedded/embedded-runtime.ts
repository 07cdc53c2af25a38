import { randomBytes } from "node:crypto";
import { existsSync, type FSWatcher, mkdirSync, readdirSync, rmSync, statSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Clock, Deferred, type Log, pause } from "../../../../base/mod.ts";
import type { RegistryConfig } from "../../images/registry/registry-config.ts";
import type { ContainerStreams } from "../container-streams.ts";
import {
  type AuthConfig,
  type Container,
  type ContainerConfig,
  type ContainerEvent,
  type ContainerEventType,
  type ContainerFilter,
  type ContainerStats,
  type ContainerStatus,
  CriError,
  type ExecSyncResponse,
  type FilesystemUsage,
  type Image,
  type ImageService,
  type LinuxContainerResources,
  type PodSandbox,
  type PodSandboxConfig,
  type PodSandboxStats,
  type PodSandboxStatus,
  type RuntimeCondition,
  type RuntimeService,
  type VersionResponse,
} from "../cri.ts";
import { attach } from "./attach.ts";
import type { Cgroups } from "./cgroups.ts";
import { resolveImage, signalOf, userOf } from "./container-process.ts";
import type { Driver, Launch } from "./driver.ts";
import { EmbeddedImages, type RootSource } from "./embedded-images.ts";
import { execStream } from "./exec-stream.ts";
import { execSync } from "./exec-sync.ts";
import { findShims } from "./find-shims.ts";
import { hostImageEngine } from "./host-image.ts";
import { LogPump } from "./log-pump.ts";
import { MemoryWatch } from "./memory-watch.ts";
import { isAlive, namespaceOf, processState, signal } from "./procfs.ts";
import { type ContainerRecord, loadRecords, type SandboxRecord, saveRecord } from "./records.ts";
import { acknowledge, readIfThere, readPid, startShim } from "./shim-process.ts";
import { run } from "./spawn.ts";
import { Statistics } from "./statistics.ts";
import { WritableLayers } from "./writable-layers.ts";

export interface EmbeddedRuntimeOptions {
  /** Everything the runtime keeps; see README for what lies where. */
  readonly stateDir: string;
  /** Where images lie: beside the state, since a command may fill it while no engine runs. */
  readonly imagesDir: string;
  readonly registries: RegistryConfig;
  readonly driver: Driver;
  readonly cgroups: Cgroups;
  readonly clock: Clock;
  readonly log: Log;
}

/** A container this process watches over. */
interface Live {
  /** Its start has not been reported yet: an exit code that is there already waits for that. */
  starting: boolean;
  readonly pump: LogPump | undefined;
  readonly exited: Deferred<void>;
  /** Its first process is dead, and no exit code has come yet. */
  deadSinceMs: number | undefined;
}

/** A living shim writes the exit code this long after the death of its child, at the latest. */
const shimGraceMs = 500;

/**
 * A container engine inside the kubelet's process, behind the interface of CRI. The truth lies on disk: one directory per sandbox and per
 * container, written before it is announced; processes are children of shims, not of this process. So it may be killed at any
 * moment, and opening the same directory again finds everything, with output and exit codes of the time between.
 */
export class EmbeddedRuntime implements RuntimeService, ImageService {
  readonly driver: Driver;
  readonly #options: EmbeddedRuntimeOptions;
  readonly #sandboxes = new Map<string, SandboxRecord>();
  readonly #containers = new Map<string, ContainerRecord>();
  readonly #live = new Map<string, Live>();
  readonly #listeners = new Set<(event: ContainerEvent) => void>();
  readonly #images: EmbeddedImages;
  readonly #sandboxesDir: string;
  readonly #containersDir: string;
  readonly #exitsDir: string;
  readonly #writable: WritableLayers;
  readonly #memory: MemoryWatch;
  /** Killed by us for want of memory: where control groups count that, the kernel does it. */
  readonly #oomKilled = new Set<string>();
  readonly #statistics: Statistics;
  #watcher: FSWatcher | undefined;

  private constructor(options: EmbeddedRuntimeOptions) {
    this.#options = options;
    this.driver = options.driver;
    this.#writable = new WritableLayers(options.clock);
    this.#memory = new MemoryWatch(options.clock, (id) => {
      const record = this.#containers.get(id);
      if (record === undefined || record.state !== "running") return;
      this.#oomKilled.add(id);
      this.driver.killAll(record, record.pid);
    });
    this.#images = new EmbeddedImages({
      dir: options.imagesDir,
      registries: options.registries,
      clock: options.clock,
      log: options.log,
      ownRoots: options.driver.ownRoots,
      layersInUse: () =>
        [...this.#containers.values()]
          .flatMap(({ root, volumeRoots = {} }) => [root, ...Object.values(volumeRoots)])
          .flatMap((root) => (root.kind === "layers" ? root.layers : [])),
    });
    this.#statistics = new Statistics({
      driver: options.driver,
      cgroups: options.cgroups,
      clock: options.clock,
      writableUsage: (record) => this.#writable.usage(this.#containerDir(record.id), record.pid),
    });
    this.#sandboxesDir = join(options.stateDir, "sandboxes");
    this.#containersDir = join(options.stateDir, "containers");
    this.#exitsDir = exitsDirOf(options.stateDir);
  }

  /** Takes up what an earlier process left: running containers stay untouched. */
  static async open(options: EmbeddedRuntimeOptions): Promise<EmbeddedRuntime> {
    const runtime = new EmbeddedRuntime(options);
    await runtime.#load();
    return runtime;
  }

  /** Lets go of everything; containers go on without us. */
  close(): void {
    this.#watcher?.close();
    this.#memory.close();
    for (const live of this.#live.values()) live.pump?.close();
    this.#live.clear();
    this.driver.close();
  }

  async #load(): Promise<void> {
    mkdirSync(this.#exitsDir, { recursive: true, mode: 0o700 });
    await this.driver.prepare();
    const sandboxes = loadRecords<SandboxRecord>(this.#sandboxesDir);
    for (const record of sandboxes.records) this.#sandboxes.set(record.id, record);
    const containers = loadRecords<ContainerRecord>(this.#containersDir);
    for (const record of containers.records) this.#containers.set(record.id, record);
    // Litter was being made or unmade when the last process died; nobody was told of it, or has been told it is gone.
    for (const id of sandboxes.litter) {
      const record = { id, ip: undefined } as SandboxRecord;
      await this.driver.stopSandbox(record, join(this.#sandboxesDir, id));
      rmSync(join(this.#sandboxesDir, id), { recursive: true, force: true });
    }
    for (const id of containers.litter) rmSync(join(this.#containersDir, id), { recursive: true, force: true });
    // Before looking at what is there: an exit in between is seen twice rather than never.
    this.#watcher = watch(this.#exitsDir, { persistent: false }, (_event, name) => {
      if (name !== null) this.#handleExit(name);
    });
    const shims = findShims(this.#containersDir);
    for (const record of this.#containers.values()) {
      // Its shim was started just before the last kubelet died, and has not come to noting the process.
      if (record.state === "created") await this.#settleStart(record.id, shims.get(record.id));
      this.#adopt(record);
    }
    for (const name of readdirSync(this.#exitsDir)) this.#handleExit(name);
  }

  async #settleStart(id: string, shim: number | undefined): Promise<void> {
    const { clock } = this.#options;
    while (shim !== undefined && isAlive(shim, "") && readPid(this.#containerDir(id)) === undefined) {
      await pause(clock, 10);
    }
  }

  #adopt(record: ContainerRecord): void {
    if (record.state === "exited") return;
    const dir = this.#containerDir(record.id);
    const pid = readPid(dir);
    if (record.state === "created" && pid === undefined) return;
    const known: ContainerRecord =
      record.state === "running" || pid === undefined
        ? record
        : // Killed between starting the shim and noting it: the pid file tells both.
          {
            ...record,
            state: "running",
            pid,
            pidStart: processState(pid)?.start ?? "",
            mountNamespace: namespaceOf(pid, "mnt") ?? "",
            startedAtMs: statSync(join(dir, "pid")).mtimeMs,
          };
    this.#save(known);
    const hasOutput = isAlive(known.pid, known.pidStart) || existsSync(join(this.#exitsDir, record.id));
    this.#watch(known, hasOutput, false);
    this.#limitMemory(known.id, known.pid, known.config.linux.resources);
  }

  #watch(record: ContainerRecord, hasOutput: boolean, starting: boolean): void {
    const pump = hasOutput
      ? new LogPump(this.#containerDir(record.id), record.logFile, this.#options.clock)
      : undefined;
    this.#live.set(record.id, { pump, exited: new Deferred(), deadSinceMs: undefined, starting });
  }

  /** The shim has written an exit code, or is about to. */
  #handleExit(id: string): void {
    const file = join(this.#exitsDir, id);
    const text = readIfThere(file);
    if (text === undefined || !text.endsWith("\n") || this.#live.get(id)?.starting === true) return;
    const record = this.#containers.get(id);
    if (record !== undefined && record.state === "running") this.#finish(record, Number(text), statSync(file).mtimeMs);
    // Only now: with the code noted and the output in the log, the shim may go.
    acknowledge(join(this.#containersDir, id));
    rmSync(file, { force: true });
  }

  #finish(record: ContainerRecord, exitCode: number, finishedAtMs: number, lost = false): void {
    const live = this.#live.get(record.id);
    this.driver.killAll(record, undefined);
    live?.pump?.drainAndClose();
    const oomKilled = this.#options.cgroups.oomKills(record.cgroup) > 0 || this.#oomKilled.delete(record.id);
    this.#memory.forget(record.id);
    this.#statistics.forget(record.id);
    const reason = lost ? "Unknown" : oomKilled ? "OOMKilled" : exitCode === 0 ? "Completed" : "Error";
    this.#save({
      ...record,
      state: "exited",
      exitCode,
      finishedAtMs: Math.max(finishedAtMs, record.startedAtMs),
      reason,
    });
    this.#options.cgroups.remove(record.cgroup);
    this.#live.delete(record.id);
    live?.exited.resolve();
    this.#emit(record, "CONTAINER_STOPPED_EVENT");
  }

  /** Finds containers that ended without a trace: their shim was killed too, or the machine restarted. */
  #findLost(): void {
    const now = this.#options.clock.monotonic();
    for (const [id, live] of this.#live) {
      const record = this.#containers.get(id);
      // Without a number it is being started, and whoever starts it will tell.
      if (record === undefined || record.state !== "running" || record.pid === 0) continue;
      if (isAlive(record.pid, record.pidStart)) live.deadSinceMs = undefined;
      else if (existsSync(join(this.#exitsDir, id))) this.#handleExit(id);
      else {
        live.deadSinceMs ??= now;
        if (now - live.deadSinceMs >= shimGraceMs) this.#finish(record, 255, this.#options.clock.now(), true);
      }
    }
  }

  #emit(record: ContainerRecord, type: ContainerEventType): void {
    this.#announce(record.id, record.podSandboxId, type);
  }

  #announce(containerId: string, sandboxId: string, type: ContainerEventType): void {
    const podUid = this.#sandboxes.get(sandboxId)?.config.metadata.uid ?? "";
    const event: ContainerEvent = { containerId, type, podUid, createdAtMs: this.#options.clock.now() };
    for (const listener of this.#listeners) listener(event);
  }

  #save(record: ContainerRecord): void {
    saveRecord(this.#containerDir(record.id), record);
    this.#containers.set(record.id, record);
  }

  #containerDir(id: string): string {
    return join(this.#containersDir, id);
  }

  #sandbox(id: string): SandboxRecord {
    const record = this.#sandboxes.get(id);
    if (record === undefined)
      throw new CriError("NotFound", `an error occurred when try to find sandbox ${JSON.stringify(id)}: not found`);
    return record;
  }

  #container(id: string): ContainerRecord {
    const record = this.#containers.get(id);
    if (record === undefined)
      throw new CriError("NotFound", `an error occurred when try to find container ${JSON.stringify(id)}: not found`);
    return record;
  }

  #launch(container: ContainerRecord): Launch {
    const sandbox = this.#sandbox(container.podSandboxId);
    return {
      dir: this.#containerDir(container.id),
      sandboxDir: join(this.#sandboxesDir, sandbox.id),
      container,
      sandbox,
      cgroupFiles: this.#options.cgroups.joinFiles(container.cgroup),
      cgroupMounts: this.#options.cgroups.visible(container.cgroup),
    };
  }

  async version(): Promise<VersionResponse> {
    return { version: "0.1.0", runtimeName: hostImageEngine, runtimeVersion: "0.1.0", runtimeApiVersion: "v1" };
  }

  async status(): Promise<{ conditions: readonly RuntimeCondition[] }> {
    const network = this.driver.networkReady();
    return {
      conditions: [
        { type: "RuntimeReady", status: true, reason: "", message: "" },
        {
          type: "NetworkReady",
          status: network.ready,
          reason: network.ready ? "" : "NetworkPluginNotReady",
          message: network.message,
        },
      ],
    };
  }

  async runtimeConfig(): Promise<{ cgroupDriver: "CGROUPFS" | "SYSTEMD" }> {
    return { cgroupDriver: "CGROUPFS" };
  }

  async updateRuntimeConfig(config: { podCidr: string }): Promise<void> {
    const taken = [...this.#sandboxes.values()].flatMap((sandbox) =>
      sandbox.ip === undefined || sandbox.stopped ? [] : [sandbox.ip],
    );
    await this.driver.setPodCidr(config.podCidr, taken);
  }

  async runPodSandbox(config: PodSandboxConfig): Promise<{ podSandboxId: string }> {
    const id = randomBytes(32).toString("hex");
    const dir = join(this.#sandboxesDir, id);
    mkdirSync(dir, { recursive: true, mode: 0o755 });
    const unwired: SandboxRecord = {
      id,
      config,
      createdAtMs: this.#options.clock.now(),
      ip: undefined,
      stopped: false,
      nodeNamespace: this.driver.nodeNamespaceId(),
    };
    try {
      const ip = await this.driver.startSandbox(unwired, dir);
      const record = { ...unwired, ip };
      this.#options.cgroups.create(config.linux.cgroupParent, config.linux.resources ?? {});
      saveRecord(dir, record);
      this.#sandboxes.set(id, record);
    } catch (error) {
      await this.driver.stopSandbox(unwired, dir);
      rmSync(dir, { recursive: true, force: true });
      throw new CriError(
        "Unknown",
        `failed to set up the sandbox of pod ${config.metadata.namespace}/${config.metadata.name}: ${(error as Error).message}`,
        { cause: error },
      );
    }
    this.#announce(id, id, "CONTAINER_STARTED_EVENT");
    return { podSandboxId: id };
  }

  async stopPodSandbox(podSandboxId: string): Promise<void> {
    const record = this.#sandboxes.get(podSandboxId);
    if (record === undefined || record.stopped) return;
    await Promise.all(this.#containersOf(podSandboxId).map((container) => this.stopContainer(container.id, 0)));
    const dir = join(this.#sandboxesDir, podSandboxId);
    await this.driver.stopSandbox(record, dir);
    const stopped = { ...record, stopped: true };
    saveRecord(dir, stopped);
    this.#sandboxes.set(podSandboxId, stopped);
    this.#announce(podSandboxId, podSandboxId, "CONTAINER_STOPPED_EVENT");
  }

  async removePodSandbox(podSandboxId: string): Promise<void> {
    const record = this.#sandboxes.get(podSandboxId);
    if (record === undefined) return;
    await this.stopPodSandbox(podSandboxId);
    for (const container of this.#containersOf(podSandboxId)) await this.removeContainer(container.id);
    const sharesGroup = [...this.#sandboxes.values()].some(
      (other) => other.id !== podSandboxId && other.config.linux.cgroupParent === record.config.linux.cgroupParent,
    );
    if (!sharesGroup) this.#options.cgroups.remove(record.config.linux.cgroupParent);
    rmSync(join(this.#sandboxesDir, podSandboxId), { recursive: true, force: true });
    this.#announce(podSandboxId, podSandboxId, "CONTAINER_DELETED_EVENT");
    this.#sandboxes.delete(podSandboxId);
    this.#statistics.forget(podSandboxId);
  }

  #containersOf(podSandboxId: string): ContainerRecord[] {
    return [...this.#containers.values()].filter((container) => container.podSandboxId === podSandboxId);
  }

  #podSandbox(record: SandboxRecord): PodSandbox {
    const alive = !record.stopped && this.driver.isSandboxAlive(record, join(this.#sandboxesDir, record.id));
    const { metadata, labels, annotations } = record.config;
    return {
      id: record.id,
      metadata,
      labels,
      annotations,
      createdAtMs: record.createdAtMs,
      state: alive ? "SANDBOX_READY" : "SANDBOX_NOTREADY",
    };
  }

  async podSandboxStatus(podSandboxId: string): Promise<PodSandboxStatus> {
    const record = this.#sandbox(podSandboxId);
    const { namespaceOptions } = record.config.linux;
    const network = record.ip === undefined ? undefined : { ip: record.ip, additionalIps: [] };
    return { ...this.#podSandbox(record), namespaceOptions, network };
  }

  async listPodSandbox(filter: { labels?: Readonly<Record<string, string>> } = {}): Promise<readonly PodSandbox[]> {
    return [...this.#sandboxes.values()]
      .filter((record) => hasLabels(record.config.labels, filter.labels))
      .map((record) => this.#podSandbox(record));
  }

  async createContainer(
    podSandboxId: string,
    config: ContainerConfig,
    sandbox: PodSandboxConfig,
  ): Promise<{ containerId: string }> {
    if (this.#sandbox(podSandboxId).stopped)
      throw new CriError("FailedPrecondition", `sandbox ${podSandboxId} is not running`);
    const image = await this.#images.runnable(config.image);
    const volumeRoots = await this.#volumeRoots(config);
    const user = userOf(config, image);
    const { argv, env, workingDir } = resolveImage(config, sandbox, image, user);
    if (argv.length === 0) throw new CriError("InvalidArgument", "no command specified");
    const id = randomBytes(32).toString("hex");
    const dir = this.#containerDir(id);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const fifos = ["out", "err", "ack", ...(config.stdin === true ? ["in"] : [])];
    await run(["mkfifo", "-m", "600", ...fifos.map((name) => join(dir, name))]);
    const record: ContainerRecord = {
      id,
      podSandboxId,
      config: { ...config, workingDir },
      createdAtMs: this.#options.clock.now(),
      imageRef: image.ref,
      root: image.root,
      ...(Object.keys(volumeRoots).length === 0 ? {} : { volumeRoots }),
      user,
      stopSignal: signalOf(config.stopSignal ?? image.config.StopSignal),
      argv,
      env,
      logFile: join(sandbox.logDirectory, config.logPath),
      cgroup: join(sandbox.linux.cgroupParent, id),
      state: "created",
      pid: 0,
      pidStart: "",
      mountNamespace: "",
      startedAtMs: 0,
      finishedAtMs: 0,
      exitCode: 0,
      reason: "",
      message: "",
    };
    this.#save(record);
    this.#emit(record, "CONTAINER_CREATED_EVENT");
    return { containerId: id };
  }

  async #volumeRoots({ mounts }: ContainerConfig): Promise<Record<string, RootSource>> {
    const roots: Record<string, RootSource> = {};
    for (const { image } of mounts) {
      if (image === undefined) continue;
      const { root } = await this.#images.runnable(image);
      if (root.kind === "host") throw new CriError("FailedPrecondition", "the image of the machine can be no volume");
      roots[image] = root;
    }
    return roots;
  }

  async startContainer(containerId: string): Promise<void> {
    const record = this.#container(containerId);
    if (record.state !== "created")
      throw new CriError("FailedPrecondition", `container ${containerId} is in ${record.state} state`);
    const dir = this.#containerDir(containerId);
    this.#options.cgroups.create(record.cgroup, record.config.linux.resources);
    const { targetId } = record.config.linux.securityContext.namespaceOptions ?? {};
    const targetPid = targetId === undefined ? undefined : this.#containers.get(targetId)?.pid;
    const { files, argv } = this.driver.shim(this.#launch({ ...record, targetPid }));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text, { mode: 0o600 });
    const running: ContainerRecord = { ...record, state: "running", startedAtMs: this.#options.clock.now() };
    this.#containers.set(containerId, running);
    this.#watch(running, true, true);
    const report = await startShim(argv);
    const live = this.#live.get(containerId);
    if (live !== undefined) live.starting = false;
    const pid = readPid(dir);
    if (report === "ok" && pid !== undefined) {
      const mountNamespace = namespaceOf(pid, "mnt") ?? "";
      this.#save({ ...running, pid, pidStart: processState(pid)?.start ?? "", mountNamespace });
      this.#limitMemory(record.id, pid, record.config.linux.resources);
      this.#emit(record, "CONTAINER_STARTED_EVENT");
      this.#handleExit(containerId);
      return;
    }
    const details = (readIfThere(join(dir, "setup.err")) ?? "").trim();
    const said = report.replace(/^error /, "") || "the shim did not start";
    const message = details === "" ? said : `${said}: ${details}`;
    this.#fail(running, message);
    this.#handleExit(containerId);
    throw new CriError(
      "Unknown",
      `failed to start container ${JSON.stringify(containerId)}: unable to start container process: ${message}`,
    );
  }

  #limitMemory(id: string, pid: number, { memoryLimitInBytes }: LinuxContainerResources): void {
    const { cgroups } = this.#options;
    if (this.driver.limits && cgroups.version === "none") this.#memory.watch(id, pid, memoryLimitInBytes ?? 0);
  }

  /** The command could not be executed. The exit file of its shell, when it comes, is only acknowledged. */
  #fail(record: ContainerRecord, message: string): void {
    const live = this.#live.get(record.id);
    live?.pump?.drainAndClose();
    this.#live.delete(record.id);
    const finishedAtMs = this.#options.clock.now();
    this.#save({
      ...record,
      state: "exited",
      exitCode: 128,
      reason: "StartError",
      message,
      startedAtMs: 0,
      finishedAtMs,
    });
    this.#options.cgroups.remove(record.cgroup);
    live?.exited.resolve();
    this.#emit(record, "CONTAINER_STOPPED_EVENT");
  }

  async stopContainer(containerId: string, timeoutSeconds: number): Promise<void> {
    const record = this.#containers.get(containerId);
    const live = this.#live.get(containerId);
    if (record === undefined || live === undefined || record.state !== "running") return;
    const pid = record.pid === 0 ? readPid(this.#containerDir(containerId)) : record.pid;
    if (pid !== undefined && timeoutSeconds > 0 && isAlive(pid, record.pidStart)) {
      signal(pid, record.stopSignal);
      if (await this.#exitsWithin(live, timeoutSeconds * 1000)) return;
    }
    if (pid !== undefined && isAlive(pid, record.pidStart)) this.driver.killAll(record, pid);
    while (!(await this.#exitsWithin(live, 100))) this.#findLost();
  }

  async #exitsWithin(live: Live, ms: number): Promise<boolean> {
    const late = new Deferred<boolean>();
    const timer = this.#options.clock.after(ms, () => late.resolve(false));
    const exited = await Promise.race([live.exited.promise.then(() => true), late.promise]);
    timer.cancel();
    return exited;
  }

  async removeContainer(containerId: string): Promise<void> {
    const record = this.#containers.get(containerId);
    if (record === undefined) return;
    await this.stopContainer(containerId, 0);
    acknowledge(this.#containerDir(containerId));
    this.#options.cgroups.remove(record.cgroup);
    rmSync(this.#containerDir(containerId), { recursive: true, force: true });
    this.#writable.forget(this.#containerDir(containerId));
    this.#containers.delete(containerId);
    this.#emit(record, "CONTAINER_DELETED_EVENT");
  }

  async listContainers(filter: ContainerFilter = {}): Promise<readonly Container[]> {
    this.#findLost();
    return this.#select(filter).map(describe);
  }

  #select(filter: ContainerFilter): ContainerRecord[] {
    return [...this.#containers.values()].filter(
      (record) =>
        (filter.id === undefined || record.id === filter.id) &&
        (filter.podSandboxId === undefined || record.podSandboxId === filter.podSandboxId) &&
        hasLabels(record.config.labels, filter.labels),
    );
  }

  async containerStatus(containerId: string): Promise<ContainerStatus> {
    const record = this.#container(containerId);
    const { startedAtMs, finishedAtMs, exitCode, reason, message, logFile } = record;
    return {
      ...describe(record),
      startedAtMs,
      finishedAtMs,
      exitCode,
      reason,
      message,
      mounts: record.config.mounts,
      logPath: logFile,
      resources: record.config.linux.resources,
    };
  }

  async containerStats(containerId: string): Promise<ContainerStats> {
    return this.#statistics.container(this.#container(containerId));
  }

  listContainerStats(filter: ContainerFilter = {}): Promise<readonly ContainerStats[]> {
    const running = this.#select(filter).filter((record) => record.state === "running");
    return Promise.all(running.map((record) => this.#statistics.container(record)));
  }

  async podSandboxStats(podSandboxId: string): Promise<PodSandboxStats> {
    return this.#sandboxStats(this.#sandbox(podSandboxId));
  }

  listPodSandboxStats(filter: { labels?: Readonly<Record<string, string>> } = {}): Promise<readonly PodSandboxStats[]> {
    const running = [...this.#sandboxes.values()].filter(
      (record) => !record.stopped && hasLabels(record.config.labels, filter.labels),
    );
    return Promise.all(running.map((record) => this.#sandboxStats(record)));
  }

  async #sandboxStats(record: SandboxRecord): Promise<PodSandboxStats> {
    return this.#statistics.sandbox(record, await this.listContainerStats({ podSandboxId: record.id }));
  }

  async updatePodSandboxResources(podSandboxId: string, resources: LinuxContainerResources): Promise<void> {
    const { cgroupParent } = this.#sandbox(podSandboxId).config.linux;
    this.#options.cgroups.update(cgroupParent, resources);
  }

  async updateContainerResources(containerId: string, resources: LinuxContainerResources): Promise<void> {
    const record = this.#container(containerId);
    this.#options.cgroups.update(record.cgroup, resources);
    const { config } = record;
    const merged = { ...config.linux.resources, ...resources };
    // What is in force is told by the status, also after a restart.
    this.#save({ ...record, config: { ...config, linux: { ...config.linux, resources: merged } } });
    if (record.state === "running") this.#limitMemory(record.id, record.pid, merged);
  }

  async reopenContainerLog(containerId: string): Promise<void> {
    this.#container(containerId);
    this.#live.get(containerId)?.pump?.reopen();
  }

  async execSync(containerId: string, command: readonly string[], timeoutSeconds: number): Promise<ExecSyncResponse> {
    const { record } = this.#running(containerId);
    const argv = this.driver.execArgv(this.#launch(record), record.pid, command);
    return execSync(argv, timeoutSeconds, this.#options.clock);
  }

  /** Over a socket: see ContainerStreams. Of this process, `streams` are there without a URL. */
  async exec(): Promise<{ url: string }> {
    throw new CriError("Unimplemented", "the embedded runtime streams in its own process only");
  }

  attach(): Promise<{ url: string }> {
    return this.exec();
  }

  portForward(): Promise<{ url: string }> {
    return this.exec();
  }

  readonly streams: ContainerStreams = {
    exec: async ({ containerId, cmd, tty }, streams) => {
      const { record } = this.#running(containerId);
      const argv = this.driver.execArgv(this.#launch(record), record.pid, cmd, tty);
      return execStream(argv, tty, streams, this.#options.clock);
    },
    attach: async ({ containerId }, streams) => {
      const { record, live } = this.#running(containerId);
      const { pump, exited } = live;
      if (pump === undefined) throw new CriError("FailedPrecondition", `container ${containerId} has ended`);
      const closeStdin = () => {
        const shim = findShims(this.#containersDir).get(containerId);
        if (shim !== undefined) signal(shim, "SIGUSR1");
      };
      const dir = this.#containerDir(containerId);
      await attach({ record, dir, pump, exited: exited.promise, closeStdin, clock: this.#options.clock }, streams);
    },
    portForward: (podSandboxId, port) => {
      const record = this.#sandbox(podSandboxId);
      if (record.stopped) throw new CriError("FailedPrecondition", `sandbox ${podSandboxId} is not running`);
      return this.driver.dial(record, join(this.#sandboxesDir, podSandboxId), port);
    },
  };

  #running(containerId: string): { readonly record: ContainerRecord; readonly live: Live } {
    const record = this.#container(containerId);
    const live = this.#live.get(containerId);
    if (record.state !== "running" || record.pid === 0 || live === undefined)
      throw new CriError("FailedPrecondition", `container ${containerId} is not running`);
    return { record, live };
  }

  async *getContainerEvents(abort: AbortSignal): AsyncGenerator<ContainerEvent> {
    const waiting: ContainerEvent[] = [];
    let wake = new Deferred<void>();
    const listener = (event: ContainerEvent) => {
      waiting.push(event);
      wake.resolve();
    };
    const onAbort = () => wake.resolve();
    this.#listeners.add(listener);
    abort.addEventListener("abort", onAbort);
    try {
      while (!abort.aborted) {
        yield* waiting.splice(0);
        await wake.promise;
        wake = new Deferred<void>();
      }
    } finally {
      this.#listeners.delete(listener);
      abort.removeEventListener("abort", onAbort);
    }
  }

  listImages(): Promise<readonly Image[]> {
    return this.#images.listImages();
  }
  imageStatus(image: string): Promise<Image | undefined> {
    return this.#images.imageStatus(image);
  }
  pullImage(image: string, auth?: AuthConfig): Promise<{ imageRef: string }> {
    return this.#images.pullImage(image, auth);
  }
  removeImage(image: string): Promise<void> {
    return this.#images.removeImage(image);
  }
  imageFsInfo(): Promise<FilesystemUsage> {
    return this.#images.imageFsInfo();
  }
}

/** Where shims leave exit codes, one file per container. */
export function exitsDirOf(stateDir: string): string {
  return join(stateDir, "exits");
}

function hasLabels(labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

const states = {
  created: "CONTAINER_CREATED",
  running: "CONTAINER_RUNNING",
  exited: "CONTAINER_EXITED",
} as const satisfies Record<ContainerRecord["state"], Container["state"]>;

function describe(record: ContainerRecord): Container {
  const { id, podSandboxId, config, imageRef, createdAtMs, state } = record;
  const { metadata, image, labels, annotations } = config;
  return { id, podSandboxId, metadata, image, imageRef, state: states[state], createdAtMs, labels, annotations };
}
