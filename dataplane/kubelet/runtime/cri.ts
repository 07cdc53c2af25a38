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
  | "PermissionDenied"
  | "Unauthenticated"
  | "Unavailable"
  | "Unknown";

export type PodSandboxState = "SANDBOX_READY" | "SANDBOX_NOTREADY";
export type ContainerState = "CONTAINER_CREATED" | "CONTAINER_RUNNING" | "CONTAINER_EXITED" | "CONTAINER_UNKNOWN";
/** POD: shared by the pod's containers. NODE: the node's own. CONTAINER: private. TARGET: that of another container. */
export type NamespaceMode = "POD" | "CONTAINER" | "NODE" | "TARGET";

export interface NamespaceOptions {
  readonly network: NamespaceMode;
  readonly pid: NamespaceMode;
  readonly ipc: NamespaceMode;
  /** The container meant by TARGET. */
  readonly targetId?: string;
}

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
  readonly namespaceOptions: NamespaceOptions;
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
  /** Whether mounts made later below it are seen on the other side. Default: private. */
  readonly propagation?: MountPropagation;
  /** Read-only with everything mounted below it; fails where that cannot be had. */
  readonly recursiveReadOnly?: boolean;
  /** The files of this image, read-only, instead of `hostPath`. Engines before containerd 2.1 do not know it. */
  readonly image?: string;
}

export type MountPropagation = "PROPAGATION_PRIVATE" | "PROPAGATION_HOST_TO_CONTAINER" | "PROPAGATION_BIDIRECTIONAL";

export interface Device {
  readonly containerPath: string;
  readonly hostPath: string;
  /** Of r, w and m (may make the device node). */
  readonly permissions: string;
}

export interface LinuxContainerResources {
  readonly cpuShares?: number;
  readonly cpuQuota?: number;
  readonly cpuPeriod?: number;
  readonly memoryLimitInBytes?: number;
  /** Memory and swap together. */
  readonly memorySwapLimitInBytes?: number;
  readonly oomScoreAdj?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  /** `pageSize` as in the file names of control groups: 2MB, 1GB. */
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[];
  /** Files of control groups v2 and what to write, e.g. pids.max. Of these, v1 knows pids.max only. */
  readonly unified?: Readonly<Record<string, string>>;
}

/** RuntimeDefault: the engine's own. Localhost: a JSON file of the node. */
export interface SecurityProfile {
  readonly profileType: "RuntimeDefault" | "Unconfined" | "Localhost";
  readonly localhostRef?: string;
}

export interface LinuxContainerSecurityContext {
  readonly privileged: boolean;
  /** Of the container itself: `pid` decides (POD: shared with the pod, NODE: the node's). Default: a tree of its own. */
  readonly namespaceOptions?: NamespaceOptions;
  readonly runAsUser?: number;
  /** Instead of runAsUser: a name of the image's /etc/passwd. */
  readonly runAsUsername?: string;
  readonly runAsGroup?: number;
  readonly supplementalGroups: readonly number[];
  readonly readonlyRootfs: boolean;
  readonly noNewPrivs: boolean;
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
  readonly seccomp?: SecurityProfile;
  readonly apparmor?: SecurityProfile;
  /** Instead of the usual ones; empty: none (procMount Unmasked). */
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  /** Merge (default): with the groups the image's /etc/group gives the user. */
  readonly supplementalGroupsPolicy?: "Merge" | "Strict";
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
  readonly devices?: readonly Device[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Instead of the image's: a name such as SIGUSR1. */
  readonly stopSignal?: string;
  /** Relative to the sandbox's logDirectory. */
  readonly logPath: string;
  readonly stdin?: boolean;
  /** Standard input ends when the first client that was attached to it goes. */
  readonly stdinOnce?: boolean;
  readonly tty?: boolean;
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
  /** What is in force now. Undefined: the engine does not tell. */
  readonly resources?: LinuxContainerResources;
}

export interface ContainerStats {
  readonly id: string;
  readonly metadata: ContainerMetadata;
  readonly labels: Readonly<Record<string, string>>;
  /** Undefined where the driver cannot measure it. */
  readonly cpuUsageNanoCores?: number;
  readonly cpuUsageCoreNanoSeconds?: number;
  /** Usage without the page cache that could be dropped: what eviction and `kubectl top` look at. */
  readonly memoryWorkingSetBytes?: number;
  readonly memoryUsageBytes?: number;
  readonly memoryRssBytes?: number;
  /** What the container has written to its own root. */
  readonly writableLayer?: FilesystemUsage;
}

export interface FilesystemUsage {
  readonly mountpoint: string;
  readonly usedBytes: number;
  readonly inodesUsed: number;
}

export interface PodSandboxStats {
  readonly id: string;
  readonly metadata: PodSandboxMetadata;
  readonly labels: Readonly<Record<string, string>>;
  readonly cpuUsageNanoCores?: number;
  readonly cpuUsageCoreNanoSeconds?: number;
  readonly memoryWorkingSetBytes?: number;
  /** Of the pod's eth0. */
  readonly network?: { readonly rxBytes: number; readonly txBytes: number };
  readonly containers: readonly ContainerStats[];
}

export interface ExecSyncResponse {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly exitCode: number;
}

/** Which standard streams a session carries. With a terminal there is no stderr: it goes where stdout goes. */
export interface AttachRequest {
  readonly containerId: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

export interface ExecRequest extends AttachRequest {
  readonly cmd: readonly string[];
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
  /** User the image runs as when nothing else is said; undefined: root, or `username`. */
  readonly uid?: number;
  /** The same, when the image gives a name: only its /etc/passwd knows the number. */
  readonly username?: string;
}

/** How to show oneself to a registry: as in an entry of dockerconfigjson. */
export interface AuthConfig {
  readonly username?: string;
  readonly password?: string;
  /** Base64 of username:password. */
  readonly auth?: string;
  readonly serverAddress?: string;
  /** Given to the registry's token service instead of a password. */
  readonly identityToken?: string;
  /** Given to the registry as it stands. */
  readonly registryToken?: string;
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
  podSandboxStats(podSandboxId: string): Promise<PodSandboxStats>;
  listPodSandboxStats(filter?: { labels?: Readonly<Record<string, string>> }): Promise<readonly PodSandboxStats[]>;
  /** Changes the limits of the pod as a whole. An engine that leaves its pods' control groups to us is not asked. */
  updatePodSandboxResources(podSandboxId: string, resources: LinuxContainerResources): Promise<void>;
  updateContainerResources(containerId: string, resources: LinuxContainerResources): Promise<void>;
  reopenContainerLog(containerId: string): Promise<void>;
  /** `timeoutSeconds` 0 waits for ever. Rejects with DeadlineExceeded when it ran out; the command is dead then. */
  execSync(containerId: string, command: readonly string[], timeoutSeconds: number): Promise<ExecSyncResponse>;
  /** URLs at which an engine behind a socket serves the streams; one in this process has them by itself: see container-streams.ts. */
  exec(request: ExecRequest): Promise<{ url: string }>;
  attach(request: AttachRequest): Promise<{ url: string }>;
  portForward(podSandboxId: string, ports: readonly number[]): Promise<{ url: string }>;
  /** Ends when aborted. An engine without events rejects with Unimplemented: relist instead. */
  getContainerEvents(signal: AbortSignal): AsyncIterable<ContainerEvent>;
}

export interface ImageService {
  listImages(): Promise<readonly Image[]>;
  /** Undefined: not here. Rejects with InvalidArgument when the name is no image reference. */
  imageStatus(image: string): Promise<Image | undefined>;
  /**
   * Rejects with NotFound (no such image), Unauthenticated or PermissionDenied (not for these credentials), Unavailable (no way to the
   * registry) or Unknown, with the sentence the kubelet shows as ErrImagePull.
   */
  pullImage(image: string, auth?: AuthConfig): Promise<{ imageRef: string }>;
  /** Idempotent. */
  removeImage(image: string): Promise<void>;
  imageFsInfo(): Promise<FilesystemUsage>;
}
