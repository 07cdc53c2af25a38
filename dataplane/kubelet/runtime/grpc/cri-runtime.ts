import { type Clock, type Log, pause } from "../../../../base/mod.ts";
import { runtimepb } from "../../../../proto/mod.ts";
import {
  type AttachRequest,
  type AuthConfig,
  type Container,
  type ContainerConfig,
  type ContainerEvent,
  type ContainerFilter,
  type ContainerStats,
  type ContainerStatus,
  CriError,
  type ExecRequest,
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
import type { Cgroups } from "../embedded/cgroups.ts";
import { hostImageEngine, isHostImage } from "../embedded/host-image.ts";
import { imageSpec, toWireMap, toWireResources } from "./convert-common.ts";
import { fromWireContainer, fromWireEvent, fromWireStatus, toWireConfig } from "./convert-container.ts";
import { fromWirePod, fromWirePodStatus, toWirePodConfig } from "./convert-pod.ts";
import { fromWireFilesystem, fromWireImage, fromWirePodStats, fromWireStats, toWireAuth } from "./convert-stats.ts";
import { CriTransport } from "./transport.ts";

export interface CriRuntimeOptions {
  /** `unix:///run/containerd/containerd.sock` */
  readonly endpoint: string;
  /** Where the images are, when another process has them. */
  readonly imageEndpoint?: string;
  /**
   * The node's control groups, and the path of their root below each hierarchy: an engine makes groups for containers, but a pod's limits are
   * the kubelet's to set. Undefined: paths are given to the engine as they come, and pods as a whole have no limits.
   */
  readonly podCgroups?: { readonly cgroups: Cgroups; readonly root: string };
  readonly clock: Clock;
  readonly log: Log;
}

function noHostImage(engine: string): string {
  return `${engine} has no image of the machine it runs on: only the embedded engine (--runtime namespaces) has "host"`;
}

/** Where a sandbox says which control group its pod has. */
const cgroupAnnotation = "flotilla.dev/cgroup";
/** As the kubelet's runtimeRequestTimeout. Calls that wait by their nature get their own time on top, or all of it. */
const requestTimeoutMs = 120_000;
const { RuntimeService: runtime, ImageService: images } = runtimepb;

/** A container engine behind a CRI socket: containerd, CRI-O, or our own served there. Features it lacks are worked around where that is honest. */
export class CriRuntime implements RuntimeService, ImageService {
  readonly #options: CriRuntimeOptions;
  readonly #runtime: CriTransport;
  readonly #images: CriTransport;
  /** Sandboxes of containers: their statuses do not tell. */
  readonly #sandboxOf = new Map<string, string>();

  private constructor(options: CriRuntimeOptions, own: CriTransport, ofImages: CriTransport) {
    this.#options = options;
    this.#runtime = own;
    this.#images = ofImages;
  }

  /** Rejects with CriError (Unavailable) when nobody answers within `timeoutMs`, or (Unimplemented) when the engine does not speak CRI v1. */
  static async connect(options: CriRuntimeOptions, timeoutMs = 10_000): Promise<CriRuntime> {
    const own = await CriTransport.open(options.endpoint, options.clock);
    const { imageEndpoint = options.endpoint } = options;
    const ofImages = imageEndpoint === options.endpoint ? own : await CriTransport.open(imageEndpoint, options.clock);
    const client = new CriRuntime(options, own, ofImages);
    const deadline = options.clock.monotonic() + timeoutMs;
    // An engine that is starting may take longer than one that restarts.
    for (;;) {
      try {
        const leftMs = Math.max(1, deadline - options.clock.monotonic());
        await own.call(runtime.methods.version, { version: "v1" }, leftMs);
        // containerd answers that one before it has found its containers again.
        await own.call(runtime.methods.status, {}, leftMs);
        return client;
      } catch (error) {
        const { code, message } = error as CriError;
        const late = options.clock.monotonic() >= deadline;
        if (late || (code !== "Unavailable" && !message.startsWith("server is not initialized yet"))) {
          client.close();
          throw error;
        }
        await pause(options.clock, 50);
      }
    }
  }

  close(): void {
    this.#runtime.close();
    if (this.#images !== this.#runtime) this.#images.close();
  }

  version(): Promise<VersionResponse> {
    return this.#runtime.call(runtime.methods.version, { version: "v1" }, requestTimeoutMs);
  }

  async status(): Promise<{ conditions: readonly RuntimeCondition[] }> {
    const { status } = await this.#runtime.call(runtime.methods.status, {}, requestTimeoutMs);
    return { conditions: (status?.conditions ?? []) as readonly RuntimeCondition[] };
  }

  async runtimeConfig(): Promise<{ cgroupDriver: "CGROUPFS" | "SYSTEMD" }> {
    try {
      const { linux } = await this.#runtime.call(runtime.methods.runtimeConfig, {}, requestTimeoutMs);
      return { cgroupDriver: linux?.cgroupDriver === runtimepb.CgroupDriver.SYSTEMD ? "SYSTEMD" : "CGROUPFS" };
    } catch (error) {
      // containerd before 2.0 does not say; ours are told to write the files themselves.
      if ((error as CriError).code === "Unimplemented") return { cgroupDriver: "CGROUPFS" };
      throw error;
    }
  }

  async updateRuntimeConfig({ podCidr }: { podCidr: string }): Promise<void> {
    const request = { runtimeConfig: { networkConfig: { podCidr } } };
    await this.#runtime.call(runtime.methods.updateRuntimeConfig, request, requestTimeoutMs);
  }

  #placed(config: PodSandboxConfig): PodSandboxConfig {
    const { podCgroups } = this.#options;
    if (podCgroups === undefined) return config;
    const { cgroupParent } = config.linux;
    return {
      ...config,
      annotations: { ...config.annotations, [cgroupAnnotation]: cgroupParent },
      linux: { ...config.linux, cgroupParent: `/${podCgroups.root}/${cgroupParent}` },
    };
  }

  async runPodSandbox(config: PodSandboxConfig): Promise<{ podSandboxId: string }> {
    this.#options.podCgroups?.cgroups.create(config.linux.cgroupParent, config.linux.resources ?? {});
    const request = { config: toWirePodConfig(this.#placed(config)) };
    // Twice as long as others, as with the kubelet: networks may be slow.
    const { podSandboxId } = await this.#runtime.call(runtime.methods.runPodSandbox, request, 2 * requestTimeoutMs);
    return { podSandboxId };
  }

  async stopPodSandbox(podSandboxId: string): Promise<void> {
    await this.#runtime.call(runtime.methods.stopPodSandbox, { podSandboxId }, requestTimeoutMs);
  }

  async removePodSandbox(podSandboxId: string): Promise<void> {
    const path = await this.#podCgroup(podSandboxId);
    await this.#runtime.call(runtime.methods.removePodSandbox, { podSandboxId }, requestTimeoutMs);
    if (path === undefined) return;
    // A pod whose sandbox was made anew has two for a while.
    const others = await this.listPodSandbox();
    if (!others.some(({ annotations }) => annotations[cgroupAnnotation] === path))
      this.#options.podCgroups?.cgroups.remove(path);
  }

  /** The control group that was made for a sandbox, perhaps by the process before this one. */
  async #podCgroup(podSandboxId: string): Promise<string | undefined> {
    if (this.#options.podCgroups === undefined) return undefined;
    try {
      return (await this.podSandboxStatus(podSandboxId)).annotations[cgroupAnnotation];
    } catch (error) {
      if ((error as CriError).code === "NotFound") return undefined;
      throw error;
    }
  }

  async podSandboxStatus(podSandboxId: string): Promise<PodSandboxStatus> {
    const { status } = await this.#runtime.call(runtime.methods.podSandboxStatus, { podSandboxId }, requestTimeoutMs);
    if (status === undefined) throw new CriError("NotFound", `sandbox ${podSandboxId} has no status`);
    return fromWirePodStatus(status);
  }

  async listPodSandbox(filter: { labels?: Readonly<Record<string, string>> } = {}): Promise<readonly PodSandbox[]> {
    const request = { filter: { labelSelector: toWireMap(filter.labels) } };
    const { items } = await this.#runtime.call(runtime.methods.listPodSandbox, request, requestTimeoutMs);
    return items.map(fromWirePod);
  }

  async createContainer(
    podSandboxId: string,
    config: ContainerConfig,
    sandbox: PodSandboxConfig,
  ): Promise<{ containerId: string }> {
    const request = {
      podSandboxId,
      config: toWireConfig(config),
      sandboxConfig: toWirePodConfig(this.#placed(sandbox)),
    };
    const { containerId } = await this.#runtime.call(runtime.methods.createContainer, request, requestTimeoutMs);
    this.#sandboxOf.set(containerId, podSandboxId);
    return { containerId };
  }

  async startContainer(containerId: string): Promise<void> {
    await this.#runtime.call(runtime.methods.startContainer, { containerId }, requestTimeoutMs);
  }

  async stopContainer(containerId: string, timeoutSeconds: number): Promise<void> {
    // CRI counts whole seconds: a shorter grace is none.
    const timeout = Math.floor(timeoutSeconds);
    const request = { containerId, timeout };
    await this.#runtime.call(runtime.methods.stopContainer, request, requestTimeoutMs + timeout * 1000);
  }

  async removeContainer(containerId: string): Promise<void> {
    await this.#runtime.call(runtime.methods.removeContainer, { containerId }, requestTimeoutMs);
    this.#sandboxOf.delete(containerId);
  }

  async listContainers(filter: ContainerFilter = {}): Promise<readonly Container[]> {
    const { id = "", podSandboxId = "", labels } = filter;
    const request = { filter: { id, podSandboxId, labelSelector: toWireMap(labels) } };
    const { containers } = await this.#runtime.call(runtime.methods.listContainers, request, requestTimeoutMs);
    return containers.map(fromWireContainer);
  }

  async containerStatus(containerId: string): Promise<ContainerStatus> {
    const { status } = await this.#runtime.call(runtime.methods.containerStatus, { containerId }, requestTimeoutMs);
    if (status === undefined) throw new CriError("NotFound", `container ${containerId} has no status`);
    return fromWireStatus(status, await this.#findSandbox(containerId));
  }

  async #findSandbox(containerId: string): Promise<string> {
    const known = this.#sandboxOf.get(containerId);
    if (known !== undefined) return known;
    const [found] = await this.listContainers({ id: containerId });
    if (found !== undefined) this.#sandboxOf.set(containerId, found.podSandboxId);
    return found?.podSandboxId ?? "";
  }

  async containerStats(containerId: string): Promise<ContainerStats> {
    const { stats } = await this.#runtime.call(runtime.methods.containerStats, { containerId }, requestTimeoutMs);
    if (stats === undefined) throw new CriError("NotFound", `container ${containerId} has no statistics`);
    return fromWireStats(stats);
  }

  async listContainerStats(filter: ContainerFilter = {}): Promise<readonly ContainerStats[]> {
    const { id = "", podSandboxId = "", labels } = filter;
    const request = { filter: { id, podSandboxId, labelSelector: toWireMap(labels) } };
    const { stats } = await this.#runtime.call(runtime.methods.listContainerStats, request, requestTimeoutMs);
    return stats.map(fromWireStats);
  }

  async podSandboxStats(podSandboxId: string): Promise<PodSandboxStats> {
    const { stats } = await this.#runtime.call(runtime.methods.podSandboxStats, { podSandboxId }, requestTimeoutMs);
    if (stats === undefined) throw new CriError("NotFound", `sandbox ${podSandboxId} has no statistics`);
    return fromWirePodStats(stats);
  }

  async listPodSandboxStats(
    filter: { labels?: Readonly<Record<string, string>> } = {},
  ): Promise<readonly PodSandboxStats[]> {
    const request = { filter: { labelSelector: toWireMap(filter.labels) } };
    const { stats } = await this.#runtime.call(runtime.methods.listPodSandboxStats, request, requestTimeoutMs);
    return stats.map(fromWirePodStats);
  }

  async updatePodSandboxResources(podSandboxId: string, resources: LinuxContainerResources): Promise<void> {
    const path = await this.#podCgroup(podSandboxId);
    if (path !== undefined) this.#options.podCgroups?.cgroups.update(path, resources);
  }

  async updateContainerResources(containerId: string, resources: LinuxContainerResources): Promise<void> {
    const request = { containerId, linux: toWireResources(resources) };
    await this.#runtime.call(runtime.methods.updateContainerResources, request, requestTimeoutMs);
  }

  async reopenContainerLog(containerId: string): Promise<void> {
    await this.#runtime.call(runtime.methods.reopenContainerLog, { containerId }, requestTimeoutMs);
  }

  async execSync(containerId: string, command: readonly string[], timeoutSeconds: number): Promise<ExecSyncResponse> {
    const timeout = Math.ceil(timeoutSeconds);
    const request = { containerId, cmd: command, timeout };
    // The engine's own deadline comes first: it also ends the command.
    return this.#runtime.call(
      runtime.methods.execSync,
      request,
      timeout === 0 ? undefined : timeout * 1000 + requestTimeoutMs,
    );
  }

  exec(request: ExecRequest): Promise<{ url: string }> {
    return this.#runtime.call(runtime.methods.exec, request, requestTimeoutMs);
  }

  attach(request: AttachRequest): Promise<{ url: string }> {
    return this.#runtime.call(runtime.methods.attach, request, requestTimeoutMs);
  }

  portForward(podSandboxId: string, ports: readonly number[]): Promise<{ url: string }> {
    return this.#runtime.call(runtime.methods.portForward, { podSandboxId, port: ports }, requestTimeoutMs);
  }

  async *getContainerEvents(signal: AbortSignal): AsyncGenerator<ContainerEvent> {
    for await (const event of this.#runtime.stream(runtime.methods.getContainerEvents, {}, signal)) {
      yield fromWireEvent(event);
    }
  }

  async listImages(): Promise<readonly Image[]> {
    return (await this.#images.call(images.methods.listImages, {}, requestTimeoutMs)).images.map(fromWireImage);
  }

  async imageStatus(image: string): Promise<Image | undefined> {
    const found = await this.#images.call(images.methods.imageStatus, { image: imageSpec(image) }, requestTimeoutMs);
    return found.image === undefined || found.image.id === "" ? undefined : fromWireImage(found.image);
  }

  async pullImage(image: string, auth?: AuthConfig): Promise<{ imageRef: string }> {
    if (isHostImage(image)) {
      const { runtimeName } = await this.version();
      if (runtimeName !== hostImageEngine) throw new CriError("NotFound", noHostImage(runtimeName));
    }
    const request = { image: imageSpec(image), auth: toWireAuth(auth) };
    return this.#images.call(images.methods.pullImage, request, undefined);
  }

  async removeImage(image: string): Promise<void> {
    await this.#images.call(images.methods.removeImage, { image: imageSpec(image) }, requestTimeoutMs);
  }

  async imageFsInfo(): Promise<FilesystemUsage> {
    const { imageFilesystems } = await this.#images.call(images.methods.imageFsInfo, {}, requestTimeoutMs);
    return fromWireFilesystem(imageFilesystems[0]);
  }
}
