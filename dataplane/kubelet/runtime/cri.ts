/**
 * The Container Runtime Interface, version 1, as TypeScript: the only words between the kubelet and whatever runs
 * containers. Names are those of CRI's runtime.v1 in lowerCamel; states are the names of its enums; times are milliseconds since
 * 1970 where CRI has nanoseconds, because they fit a number. An engine behind a socket is the same interface over gRPC.
 */

/** Every failure of a call, under the gRPC code the same call would answer. */
export class CriError extends Error {
  override readonly name = "CriError";
  readonly code: CriErrorCode;

  constructor(code: CriErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
export type CriErrorCode =
  | "NotFound"
  | "InvalidArgument"
  | "DeadlineExceeded"
  | "Unimplemented"
  | "FailedPrecondition"
  | "Unknown";

export type PodSandboxState = "SANDBOX_READY" | "SANDBOX_NOTREADY";
export type ContainerState = "CONTAINER_CREATED" | "CONTAINER_RUNNING" | "CONTAINER_EXITED" | "CONTAINER_UNKNOWN";
/** POD: shared by the pod's containers. NODE: the node's own. CONTAINER: private. */
export type NamespaceMode = "POD" | "CONTAINER" | "NODE";

export interface VersionResponse {
  readonly version: string;
  readonly runtimeName: string;
  readonly runtimeVersion: string;
  readonly runtimeApiVersion: string;
}

export interface RuntimeCondition {
  readonly type: "RuntimeReady" | "NetworkReady";
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}

export interface PodSandboxMetadata {
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
  readonly attempt: number;
}

export interface PodSandboxConfig {
  readonly metadata: PodSandboxMetadata;
  readonly hostname: string;
  /** Directory under which containers' log paths are relative. */
  readonly logDirectory: string;
  readonly dnsConfig?: DnsConfig;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly linux: LinuxPodSandboxConfig;
}

export interface DnsConfig {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface LinuxPodSandboxConfig {
  /** Path of the pod's control group below the runtime's root group, e.g. `kubepods/burstable/podUID`. */
  readonly cgroupParent: string;
  readonly namespaceOptions: {
    readonly network: NamespaceMode;
    readonly pid: NamespaceMode;
    readonly ipc: NamespaceMode;
  };
  readonly privileged: boolean;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly resources?: LinuxContainerResources;
}

export interface PodSandbox {
  readonly id: string;
  readonly metadata: PodSandboxMetadata;
  readonly state: PodSandboxState;
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface PodSandboxStatus extends PodSandbox {
  /** Absent ip: the sandbox is in the node's network namespace. */
  readonly network?: { readonly ip: string; readonly additionalIps: readonly string[] };
  readonly namespaceOptions: LinuxPodSandboxConfig["namespaceOptions"];
}

export interface ContainerMetadata {
  readonly name: string;
  readonly attempt: number;
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

export interface Mount {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly readonly: boolean;
}

export interface LinuxContainerResources {
  readonly cpuShares?: number;
  readonly cpuQuota?: number;
  readonly cpuPeriod?: number;
  readonly memoryLimitInBytes?: number;
  readonly oomScoreAdj?: number;
}

export interface LinuxContainerSecurityContext {
  readonly privileged: boolean;
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly supplementalGroups: readonly number[];
  readonly readonlyRootfs: boolean;
  readonly noNewPrivs: boolean;
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
}

export interface ContainerConfig {
  readonly metadata: ContainerMetadata;
  readonly image: string;
  /** Overrides the image's entrypoint. Empty: the image's. */
  readonly command: readonly string[];
  /** Overrides the image's command. */
  readonly args: readonly string[];
  readonly workingDir: string;
  readonly envs: readonly KeyValue[];
  readonly mounts: readonly Mount[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Relative to the sandbox's logDirectory. */
  readonly logPath: string;
  readonly linux: {
    readonly resources: LinuxContainerResources;
    readonly securityContext: LinuxContainerSecurityContext;
  };
}

export interface Container {
  readonly id: string;
  readonly podSandboxId: string;
  readonly metadata: ContainerMetadata;
  readonly image: string;
  readonly imageRef: string;
  readonly state: ContainerState;
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ContainerStatus extends Container {
  /** 0 until started. */
  readonly startedAtMs: number;
  /** 0 until finished. */
  readonly finishedAtMs: number;
  readonly exitCode: number;
  /** Completed, Error, OOMKilled, StartError, Unknown; empty while it runs. */
  readonly reason: string;
  readonly message: string;
  readonly mounts: readonly Mount[];
  readonly logPath: string;
}

export interface ContainerStats {
  readonly id: string;
  readonly metadata: ContainerMetadata;
  readonly labels: Readonly<Record<string, string>>;
  /** Undefined where the driver cannot measure it. */
  readonly cpuUsageNanoCores?: number;
  readonly cpuUsageCoreNanoSeconds?: number;
  readonly memoryWorkingSetBytes?: number;
}

export interface ExecSyncResponse {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly exitCode: number;
}

export type ContainerEventType =
  | "CONTAINER_CREATED_EVENT"
  | "CONTAINER_STARTED_EVENT"
  | "CONTAINER_STOPPED_EVENT"
  | "CONTAINER_DELETED_EVENT";

export interface ContainerEvent {
  /** Of a container, or of a sandbox. */
  readonly containerId: string;
  readonly type: ContainerEventType;
  readonly podUid: string;
  readonly createdAtMs: number;
}

export interface Image {
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  readonly sizeBytes: number;
  /** User the image runs as when nothing else is said; undefined: root. */
  readonly uid?: number;
}

export interface ContainerFilter {
  readonly id?: string;
  readonly podSandboxId?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface RuntimeService {
  version(): Promise<VersionResponse>;
  status(): Promise<{ conditions: readonly RuntimeCondition[] }>;
  runtimeConfig(): Promise<{ cgroupDriver: "CGROUPFS" | "SYSTEMD" }>;
  updateRuntimeConfig(config: { podCidr: string }): Promise<void>;
  runPodSandbox(config: PodSandboxConfig): Promise<{ podSandboxId: string }>;
  /** Kills what runs in it and takes its network away. Idempotent. */
  stopPodSandbox(podSandboxId: string): Promise<void>;
  /** Also removes its containers. Idempotent. */
  removePodSandbox(podSandboxId: string): Promise<void>;
  podSandboxStatus(podSandboxId: string): Promise<PodSandboxStatus>;
  listPodSandbox(filter?: { labels?: Readonly<Record<string, string>> }): Promise<readonly PodSandbox[]>;
  createContainer(
    podSandboxId: string,
    config: ContainerConfig,
    sandbox: PodSandboxConfig,
  ): Promise<{ containerId: string }>;
  /** Resolves when the command of the container has been executed; rejects when it could not be. */
  startContainer(containerId: string): Promise<void>;
  /** SIGTERM, then SIGKILL after `timeoutSeconds`. Resolves when it is dead. Idempotent. */
  stopContainer(containerId: string, timeoutSeconds: number): Promise<void>;
  /** Kills it first if it runs. Idempotent. */
  removeContainer(containerId: string): Promise<void>;
  listContainers(filter?: ContainerFilter): Promise<readonly Container[]>;
  containerStatus(containerId: string): Promise<ContainerStatus>;
  containerStats(containerId: string): Promise<ContainerStats>;
  listContainerStats(filter?: ContainerFilter): Promise<readonly ContainerStats[]>;
  updateContainerResources(containerId: string, resources: LinuxContainerResources): Promise<void>;
  reopenContainerLog(containerId: string): Promise<void>;
  /** `timeoutSeconds` 0 waits for ever. Rejects with DeadlineExceeded when it ran out; the command is dead then. */
  execSync(containerId: string, command: readonly string[], timeoutSeconds: number): Promise<ExecSyncResponse>;
  /** URLs at which the streams are served. */
  exec(containerId: string, command: readonly string[]): Promise<{ url: string }>;
  attach(containerId: string): Promise<{ url: string }>;
  portForward(podSandboxId: string, ports: readonly number[]): Promise<{ url: string }>;
  /** Ends when aborted. An engine without events rejects with Unimplemented: relist instead. */
  getContainerEvents(signal: AbortSignal): AsyncIterable<ContainerEvent>;
}

export interface ImageService {
  listImages(): Promise<readonly Image[]>;
  /** Undefined: not here. Rejects with InvalidArgument when the name is no image reference. */
  imageStatus(image: string): Promise<Image | undefined>;
  pullImage(image: string): Promise<{ imageRef: string }>;
  removeImage(image: string): Promise<void>;
  imageFsInfo(): Promise<{ mountpoint: string; usedBytes: number; inodesUsed: number }>;
}
