import { rmSync } from "node:fs";
import type { Clock, Log } from "../../../base/mod.ts";
import type { Container, Pod } from "../../../controlplane/api/mod.ts";
import { ContainerConfigError, type ContainerEnvironment } from "../env/container-env.ts";
import { type ContainerToKill, computePodActions, type PodActions, type ProbeVerdicts } from "../pod/actions.ts";
import { annotations, formatPod, isHostNetwork, isSidecar, labels, type PodRef, refOf } from "../pod/pod-ref.ts";
import { allContainers, containerKind } from "../pod/qos.ts";
import { podResources } from "../pod/resources.ts";
import { findContainer, type RuntimeContainer, type RuntimePod } from "../pod/runtime-pod.ts";
import { containerResize } from "../resize/container-resize.ts";
import type { ImageService, PodSandboxConfig, RuntimeService } from "../runtime/cri.ts";
import type { StartFailure } from "../status/container-statuses.ts";
import type { MountedVolumes } from "../volumes/mounted-volume.ts";
import { VolumeError } from "../volumes/volume-error.ts";
import { EventBackoff, goDuration } from "./backoff.ts";
import { containerConfig } from "./container-config.ts";
import { runHook } from "./hooks.ts";
import { ImagePuller } from "./image-puller.ts";
import { StartError } from "./start-error.ts";

/** Tells users about a pod; with a container's name, about that container. */
export type PodEvent = (
  pod: Pod,
  type: "Normal" | "Warning",
  reason: string,
  message: string,
  container?: string,
) => void;

export interface RuntimeManagerOptions {
  readonly runtime: RuntimeService & ImageService;
  readonly clock: Clock;
  readonly log: Log;
  readonly rootDir: string;
  readonly memoryCapacityBytes: number;
  /** Whether this process may mount file systems. */
  readonly canMount: boolean;
  readonly event: PodEvent;
  readonly sandboxConfig: (pod: Pod, attempt: number) => PodSandboxConfig;
  readonly environment: ContainerEnvironment;
  /** Writes the pod's /etc/hosts and says where it is. */
  readonly hostsFile: (pod: Pod, podIP: string) => string;
  readonly nodeIP: string;
  /** A pod has an address: what guards it must be there before its first container is. */
  readonly networkReady?: (pod: Pod, podIP: string) => Promise<void>;
  /** Texts of the docker configurations that the pod's imagePullSecrets hold. */
  readonly pullSecrets: (pod: Pod) => Promise<readonly string[]>;
}

export interface SyncResult {
  /** Come back after this long: something is backing off. Undefined: nothing to wait for. */
  readonly retryAfterMs: number | undefined;
  /** Whether every step succeeded. */
  readonly ok: boolean;
}

/** The least time a container gets after its preStop hook has used up the grace period. */
const minimumGraceSeconds = 2;

/** Carries out what computePodActions decides, in the original's order (kuberuntime_manager.go, SyncPod and killPod). */
export class RuntimeManager {
  readonly #options: RuntimeManagerOptions;
  readonly #runtime: RuntimeService & ImageService;
  readonly #images: ImagePuller;
  readonly #crashes: EventBackoff;
  /** Why pods do not have what they were granted, by uid. */
  readonly #resizeFailures = new Map<string, string>();
  /** Why containers did not start last time, by uid and name. */
  readonly #failures = new Map<string, Map<string, StartFailure>>();

  constructor(options: RuntimeManagerOptions) {
    this.#options = options;
    this.#runtime = options.runtime;
    this.#images = new ImagePuller(options.runtime, options.clock);
    this.#crashes = new EventBackoff(options.clock);
  }

  failure(uid: string, container: string): StartFailure | undefined {
    return this.#failures.get(uid)?.get(container);
  }

  /** The pod is gone: nothing about it is remembered. */
  forget(uid: string): void {
    this.#failures.delete(uid);
    this.#resizeFailures.delete(uid);
    this.#images.forget(uid);
    this.#crashes.forget(`${uid}/`);
  }

  /** One pass: brings what runs closer to what should. Errors of single containers are noted for the status, not thrown. */
  async syncPod(pod: Pod, runtimePod: RuntimePod, volumes: MountedVolumes, probes: ProbeVerdicts): Promise<SyncResult> {
    const actions = computePodActions(pod, runtimePod, probes);
    if (actions.killPod) {
      if (actions.createSandbox) {
        this.#options.event(pod, "Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
      }
      await this.killPod(pod, runtimePod);
    } else {
      await Promise.all(actions.kill.map((doomed) => this.#kill(pod, doomed)));
      await this.#resize(pod, runtimePod, actions);
    }
    const sandbox = await this.#sandbox(pod, runtimePod, actions);
    if (sandbox === undefined) return { retryAfterMs: undefined, ok: true };
    return this.#startContainers(pod, runtimePod, volumes, actions, sandbox);
  }

  /** Why a container could not be given what it was granted; undefined: it could. */
  resizeFailure(uid: string): string | undefined {
    return this.#resizeFailures.get(uid);
  }

  /**
   * Gives running containers what they were granted. The pod as a whole is without limits meanwhile, so that neither what grows nor what shrinks is
   * held up by it; the containers have theirs.
   */
  async #resize(pod: Pod, runtimePod: RuntimePod, { kill, sandboxId }: PodActions): Promise<void> {
    const ended = new Set(kill.map(({ container }) => container.id));
    const updates = allContainers(pod).flatMap((container) => {
      const instance = findContainer(runtimePod, container.name);
      if (instance === undefined || ended.has(instance.id)) return [];
      const resize = containerResize(container, instance);
      return resize.kind === "update" ? [{ id: instance.id, resources: resize.resources }] : [];
    });
    const { uid } = refOf(pod);
    const restarts = kill.some(({ cause }) => cause === "definition");
    this.#resizeFailures.delete(uid);
    if ((updates.length === 0 && !restarts) || sandboxId === undefined) return;
    try {
      await this.#runtime.updatePodSandboxResources(sandboxId, { cpuQuota: -1, memoryLimitInBytes: -1 });
      for (const { id, resources } of updates) await this.#runtime.updateContainerResources(id, resources);
      await this.#runtime.updatePodSandboxResources(sandboxId, podResources(pod));
    } catch (error) {
      this.#resizeFailures.set(uid, (error as Error).message);
      this.#options.event(pod, "Warning", "ResizeError", `Error resizing pod: ${(error as Error).message}`);
    }
  }

  async #sandbox(
    pod: Pod,
    runtimePod: RuntimePod,
    actions: PodActions,
  ): Promise<{ id: string; podIP: string } | undefined> {
    const wanted = actions.startEphemeral.length + actions.startInit.length + actions.start.length > 0;
    if (!actions.createSandbox && !wanted) return undefined;
    let id = actions.sandboxId;
    if (actions.createSandbox) {
      try {
        const config = this.#options.sandboxConfig(pod, actions.attempt);
        ({ podSandboxId: id } = await this.#runtime.runPodSandbox(config));
      } catch (error) {
        this.#options.event(
          pod,
          "Warning",
          "FailedCreatePodSandBox",
          `Failed to create pod sandbox: ${(error as Error).message}`,
        );
        throw error;
      }
      await this.#removeOldSandboxes(runtimePod);
    }
    if (id === undefined) return undefined;
    if (isHostNetwork(pod)) return { id, podIP: this.#options.nodeIP };
    const podIP = (await this.#runtime.podSandboxStatus(id)).network?.ip ?? "";
    if (actions.createSandbox && podIP !== "") await this.#options.networkReady?.(pod, podIP);
    return { id, podIP };
  }

  /** Those whose containers are all collected; the rest still hold logs and exit codes. */
  async #removeOldSandboxes(runtimePod: RuntimePod): Promise<void> {
    const inUse = new Set(runtimePod.containers.map(({ sandboxId }) => sandboxId));
    const empty = runtimePod.sandboxes.filter(({ id, state }) => state === "SANDBOX_NOTREADY" && !inUse.has(id));
    for (const { id } of empty) await this.#runtime.removePodSandbox(id);
  }

  async #startContainers(
    pod: Pod,
    runtimePod: RuntimePod,
    volumes: MountedVolumes,
    actions: PodActions,
    sandbox: { id: string; podIP: string },
  ): Promise<SyncResult> {
    const waits: number[] = [];
    let ok = true;
    for (const container of [...actions.startEphemeral, ...actions.startInit, ...actions.start]) {
      try {
        await this.#start(pod, container, runtimePod, volumes, sandbox);
        this.#noteFailure(pod, container, undefined);
      } catch (error) {
        ok = false;
        const failure = this.#classify(error);
        this.#noteFailure(pod, container, { reason: failure.reason, message: failure.message });
        if (failure.retryAfterMs !== undefined) waits.push(failure.retryAfterMs);
        this.#options.log("debug", "container did not start", {
          pod: formatPod(refOf(pod)),
          container: container.name,
          reason: failure.reason,
        });
        if (containerKind(pod, container.name) === "init") break; // the next one must wait for this one
      }
    }
    return { ok, retryAfterMs: waits.length === 0 ? undefined : Math.min(...waits) };
  }

  #classify(error: unknown): StartError {
    if (error instanceof StartError) return error;
    if (error instanceof ContainerConfigError || error instanceof VolumeError) {
      return new StartError("CreateContainerConfigError", error.message);
    }
    this.#options.log("error", "a container failed to start unexpectedly", { error: (error as Error).stack });
    return new StartError("CreateContainerError", (error as Error).message);
  }

  #noteFailure(pod: Pod, container: Container, failure: StartFailure | undefined): void {
    const { uid } = refOf(pod);
    const failures = this.#failures.get(uid) ?? new Map<string, StartFailure>();
    if (failure === undefined) failures.delete(container.name);
    else failures.set(container.name, failure);
    this.#failures.set(uid, failures);
  }

  async #start(
    pod: Pod,
    container: Container,
    runtimePod: RuntimePod,
    volumes: MountedVolumes,
    sandbox: { id: string; podIP: string },
  ): Promise<void> {
    const event = (type: "Normal" | "Warning", reason: string, message: string) =>
      this.#options.event(pod, type, reason, message, container.name);
    const last = findContainer(runtimePod, container.name);
    this.#waitForBackoff(pod, container, last, event);
    const image = await this.#ensureImage(pod, container, event);
    for (const volume of imageVolumes(pod, container)) await this.#ensureImage(pod, volume, event);
    const restartCount = last === undefined ? (reportedRestarts(pod, container) ?? 0) : last.restartCount + 1;
    const { podIP } = sandbox;
    const config = await this.#configure(pod, container, event, { image, restartCount, volumes, podIP, runtimePod });
    const sandboxConfig = this.#options.sandboxConfig(pod, 0);
    const { containerId } = await this.#step("CreateContainerError", event, () =>
      this.#runtime.createContainer(sandbox.id, config, sandboxConfig),
    );
    event("Normal", "Created", `Created container: ${container.name}`);
    await this.#step("RunContainerError", event, () => this.#runtime.startContainer(containerId));
    event("Normal", "Started", `Started container ${container.name}`);
    await this.#removeOldInstances(runtimePod, container.name);
    const postStart = container.lifecycle?.postStart;
    if (postStart === undefined) return;
    try {
      await runHook(this.#runtime, this.#options.clock, postStart, { container, containerId, podIP: sandbox.podIP });
    } catch (error) {
      this.#options.log("warn", "postStart hook failed", {
        pod: formatPod(refOf(pod)),
        container: container.name,
        error: (error as Error).message,
      });
      event("Warning", "FailedPostStartHook", "PostStartHook failed");
      event("Normal", "Killing", "FailedPostStartHook");
      await this.#runtime.stopContainer(containerId, graceOf(pod));
      throw new StartError("PostStartHookError", "PostStartHook failed", undefined, { cause: error });
    }
  }

  #waitForBackoff(
    pod: Pod,
    container: Container,
    last: RuntimeContainer | undefined,
    event: (type: "Warning", reason: string, message: string) => void,
  ): void {
    if (last?.state !== "exited") return;
    const ref = refOf(pod);
    const key = `${ref.uid}/${container.name}/${last.hash}`;
    const waitMs = this.#crashes.remainingMs(key, last.finishedAtMs);
    if (waitMs > 0) {
      event("Warning", "BackOff", `Back-off restarting failed container ${container.name} in pod ${formatPod(ref)}`);
      const delay = goDuration(this.#crashes.delayMs(key));
      const message = `back-off ${delay} restarting failed container=${container.name} pod=${formatPod(ref)}`;
      throw new StartError("CrashLoopBackOff", message, waitMs);
    }
    this.#crashes.next(key, last.finishedAtMs);
  }

  async #ensureImage(
    pod: Pod,
    container: Pick<Container, "image" | "imagePullPolicy">,
    event: (type: "Normal" | "Warning", reason: string, message: string) => void,
  ) {
    try {
      const { uid } = refOf(pod);
      return await this.#images.ensure(uid, container, event, () => this.#options.pullSecrets(pod));
    } catch (error) {
      if (error instanceof StartError) event("Warning", "Failed", `Error: ${error.reason}`);
      throw error;
    }
  }

  async #configure(
    pod: Pod,
    container: Container,
    event: (type: "Warning", reason: string, message: string) => void,
    known: Pick<Parameters<typeof containerConfig>[0], "image" | "restartCount" | "volumes" | "runtimePod"> & {
      podIP: string;
    },
  ) {
    try {
      const envs = await this.#options.environment(pod, container, known.podIP, (message) =>
        event("Warning", "InvalidEnvironmentVariableNames", message),
      );
      const hostsFile = this.#options.hostsFile(pod, known.podIP);
      const { rootDir, memoryCapacityBytes, canMount } = this.#options;
      return await containerConfig({
        ...known,
        ...{ pod, container, envs, hostsFile, rootDir, memoryCapacityBytes, canMount },
      });
    } catch (error) {
      event("Warning", "Failed", `Error: ${(error as Error).message}`);
      throw new StartError("CreateContainerConfigError", (error as Error).message, undefined, { cause: error });
    }
  }

  async #step<T>(
    reason: string,
    event: (type: "Warning", reason: string, message: string) => void,
    action: () => Promise<T>,
  ): Promise<T> {
    try {
      return await action();
    } catch (error) {
      event("Warning", "Failed", `Error: ${(error as Error).message}`);
      throw new StartError(reason, (error as Error).message, undefined, { cause: error });
    }
  }

  /** One dead instance per container is kept, for `logs --previous` and lastState. */
  async #removeOldInstances(runtimePod: RuntimePod, name: string): Promise<void> {
    const dead = runtimePod.containers.filter((container) => container.name === name && container.state !== "running");
    for (const instance of dead.slice(1)) {
      await this.#runtime.removeContainer(instance.id);
      rmSync(instance.logPath, { force: true });
    }
  }

  /**
   * Ends all containers of a pod in grace: the others together, then sidecars one by one in reverse order; then the sandbox. `graceSeconds`
   * overrides the pod's own.
   */
  async killPod(pod: Pod, runtimePod: RuntimePod, graceSeconds?: number): Promise<void> {
    const { clock } = this.#options;
    const startedAtMs = clock.monotonic();
    const grace = graceSeconds ?? graceOf(pod);
    const running = runtimePod.containers.filter(({ state }) => state === "running" || state === "created");
    const sidecarNames = (pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
    const isSidecarInstance = ({ name }: RuntimeContainer) => sidecarNames.includes(name);
    const end = (container: RuntimeContainer, seconds: number) =>
      this.#kill(pod, { container, message: "", cause: "other" }, seconds);
    await Promise.all(running.filter((one) => !isSidecarInstance(one)).map((one) => end(one, grace)));
    for (const name of sidecarNames.reverse()) {
      const elapsed = (clock.monotonic() - startedAtMs) / 1000;
      const left = grace === 0 ? 0 : Math.max(minimumGraceSeconds, grace - elapsed);
      await Promise.all(running.filter((one) => one.name === name).map((one) => end(one, left)));
    }
    for (const { id } of runtimePod.sandboxes) await this.#runtime.stopPodSandbox(id);
  }

  /** The grace period was cut short while containers were ending: insists earlier. */
  async hasten(runtimePod: RuntimePod, graceSeconds: number): Promise<void> {
    const running = runtimePod.containers.filter(({ state }) => state === "running");
    await Promise.all(running.map(({ id }) => this.#runtime.stopContainer(id, graceSeconds)));
  }

  async #kill(pod: Pod, doomed: ContainerToKill, graceSeconds = graceOf(pod)): Promise<void> {
    const { container, message, cause } = doomed;
    const { clock } = this.#options;
    const spec = allContainers(pod).find(({ name }) => name === container.name);
    const probe = cause === "probe" ? spec?.livenessProbe : cause === "startup probe" ? spec?.startupProbe : undefined;
    let grace = probe?.terminationGracePeriodSeconds ?? graceSeconds;
    this.#options.event(
      pod,
      "Normal",
      "Killing",
      message === "" ? `Stopping container ${container.name}` : message,
      container.name,
    );
    const preStop = spec?.lifecycle?.preStop;
    if (preStop !== undefined && spec !== undefined && grace > 0 && container.state === "running") {
      const startedAtMs = clock.monotonic();
      await this.#preStop(pod, spec, container, grace);
      grace = Math.max(minimumGraceSeconds, grace - (clock.monotonic() - startedAtMs) / 1000);
    }
    await this.#runtime.stopContainer(container.id, grace);
  }

  /** Waits for the hook, but no longer than the grace period. */
  async #preStop(pod: Pod, spec: Container, container: RuntimeContainer, graceSeconds: number): Promise<void> {
    const handler = spec.lifecycle?.preStop;
    if (handler === undefined) return;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(graceSeconds * 1000, resolve);
    const podIP = pod.status?.podIP ?? "";
    const target = { container: spec, containerId: container.id, podIP };
    const hook = runHook(this.#runtime, this.#options.clock, handler, target).catch((error: Error) => {
      this.#options.log("warn", "preStop hook failed", {
        pod: formatPod(refOf(pod)),
        container: spec.name,
        error: error.message,
      });
      this.#options.event(pod, "Warning", "FailedPreStopHook", "PreStopHook failed", spec.name);
    });
    await Promise.race([hook, late]);
    timer.cancel();
  }

  /** Ends a pod that no source knows any more: only what was noted on its sandbox tells how. */
  async killOrphan(ref: PodRef): Promise<void> {
    const selector = { labels: { [labels.podUid]: ref.uid } };
    const sandboxes = await this.#runtime.listPodSandbox(selector);
    const grace = Number(sandboxes[0]?.annotations[annotations.terminationGracePeriod] ?? 30);
    const containers = await this.#runtime.listContainers(selector);
    await Promise.all(containers.map(({ id }) => this.#runtime.stopContainer(id, grace)));
    await this.remove(ref);
  }

  /** Removes everything the runtime still has of a pod. */
  async remove(ref: PodRef): Promise<void> {
    const sandboxes = await this.#runtime.listPodSandbox({ labels: { [labels.podUid]: ref.uid } });
    for (const { id } of sandboxes) await this.#runtime.removePodSandbox(id);
  }
}

/** The images that the container mounts as volumes. */
function imageVolumes(pod: Pod, { volumeMounts = [] }: Container): Pick<Container, "image" | "imagePullPolicy">[] {
  return (pod.spec.volumes ?? []).flatMap(({ name, image }) =>
    image !== undefined && volumeMounts.some((mount) => mount.name === name)
      ? [{ image: image.reference, imagePullPolicy: image.pullPolicy as Container["imagePullPolicy"] }]
      : [],
  );
}

/** Seconds a pod's containers have to end. */
function graceOf(pod: Pod): number {
  return pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
}

/** The runtime has lost all instances; the API remembers how many there were. */
function reportedRestarts(pod: Pod, container: Container): number | undefined {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const status = statuses.find(({ name }) => name === container.name);
  if (status === undefined) return undefined;
  const ran = status.state?.running !== undefined || status.state?.terminated !== undefined;
  return ran ? status.restartCount + 1 : status.restartCount;
}
