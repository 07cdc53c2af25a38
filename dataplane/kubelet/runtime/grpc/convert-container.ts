import type {
  Container,
  ContainerConfig,
  ContainerEvent,
  ContainerMetadata,
  ContainerStatus,
  LinuxContainerSecurityContext,
} from "../cri.ts";
import { usualMaskedPaths, usualReadonlyPaths } from "../masked-paths.ts";
import {
  fromWireMap,
  fromWireMount,
  fromWireNamespaces,
  fromWireProfile,
  fromWireResources,
  fromWireTime,
  imageSpec,
  nameOf,
  toWireMap,
  toWireMount,
  toWireNamespaces,
  toWireProfile,
  toWireResources,
  toWireTime,
  type Wire,
} from "./convert-common.ts";

const states = { CONTAINER_CREATED: 0, CONTAINER_RUNNING: 1, CONTAINER_EXITED: 2, CONTAINER_UNKNOWN: 3 } as const;
const eventTypes = {
  CONTAINER_CREATED_EVENT: 0,
  CONTAINER_STARTED_EVENT: 1,
  CONTAINER_STOPPED_EVENT: 2,
  CONTAINER_DELETED_EVENT: 3,
} as const;
const noMetadata: ContainerMetadata = { name: "", attempt: 0 };

function toWireSecurity(security: LinuxContainerSecurityContext): Wire<"LinuxContainerSecurityContext"> {
  const { runAsUser, runAsGroup, namespaceOptions, privileged } = security;
  return {
    capabilities: { addCapabilities: security.addCapabilities, dropCapabilities: security.dropCapabilities },
    privileged,
    namespaceOptions: toWireNamespaces(namespaceOptions ?? { network: "POD", pid: "CONTAINER", ipc: "POD" }),
    runAsUser: runAsUser === undefined ? undefined : { value: runAsUser },
    runAsGroup: runAsGroup === undefined ? undefined : { value: runAsGroup },
    runAsUsername: security.runAsUsername ?? "",
    readonlyRootfs: security.readonlyRootfs,
    supplementalGroups: security.supplementalGroups,
    supplementalGroupsPolicy: security.supplementalGroupsPolicy === "Strict" ? 1 : 0,
    noNewPrivs: security.noNewPrivs,
    // An engine behind a socket masks what it is told, and nothing else.
    maskedPaths: security.maskedPaths ?? (privileged ? [] : usualMaskedPaths),
    readonlyPaths: security.readonlyPaths ?? (privileged ? [] : usualReadonlyPaths),
    seccomp: toWireProfile(privileged ? undefined : security.seccomp),
    apparmor: security.apparmor && toWireProfile(security.apparmor),
  };
}

function fromWireSecurity(wire: Wire<"LinuxContainerSecurityContext"> | undefined): LinuxContainerSecurityContext {
  return {
    privileged: wire?.privileged ?? false,
    namespaceOptions: fromWireNamespaces(wire?.namespaceOptions),
    runAsUser: wire?.runAsUser?.value,
    runAsGroup: wire?.runAsGroup?.value,
    ...(wire === undefined || wire.runAsUsername === "" ? {} : { runAsUsername: wire.runAsUsername }),
    supplementalGroups: wire?.supplementalGroups ?? [],
    supplementalGroupsPolicy: wire?.supplementalGroupsPolicy === 1 ? "Strict" : "Merge",
    readonlyRootfs: wire?.readonlyRootfs ?? false,
    noNewPrivs: wire?.noNewPrivs ?? false,
    addCapabilities: wire?.capabilities?.addCapabilities ?? [],
    dropCapabilities: wire?.capabilities?.dropCapabilities ?? [],
    maskedPaths: wire?.maskedPaths ?? [],
    readonlyPaths: wire?.readonlyPaths ?? [],
    seccomp: fromWireProfile(wire?.seccomp),
    apparmor: fromWireProfile(wire?.apparmor),
  };
}

export function toWireConfig(config: ContainerConfig): Wire<"ContainerConfig"> {
  const { metadata, command, args, workingDir, envs, logPath } = config;
  return {
    metadata,
    image: imageSpec(config.image),
    command,
    args,
    workingDir,
    envs,
    mounts: config.mounts.map(toWireMount),
    devices: config.devices ?? [],
    labels: toWireMap(config.labels),
    annotations: toWireMap(config.annotations),
    logPath,
    stdin: config.stdin ?? false,
    stdinOnce: config.stdinOnce ?? false,
    tty: config.tty ?? false,
    linux: {
      resources: toWireResources(config.linux.resources),
      securityContext: toWireSecurity(config.linux.securityContext),
    },
  };
}

export function fromWireConfig(wire: Wire<"ContainerConfig"> | undefined): ContainerConfig {
  const { linux } = wire ?? {};
  return {
    metadata: wire?.metadata ?? noMetadata,
    image: wire?.image?.image ?? "",
    command: wire?.command ?? [],
    args: wire?.args ?? [],
    workingDir: wire?.workingDir ?? "",
    envs: wire?.envs ?? [],
    mounts: (wire?.mounts ?? []).map(fromWireMount),
    devices: wire?.devices ?? [],
    labels: fromWireMap(wire?.labels ?? []),
    annotations: fromWireMap(wire?.annotations ?? []),
    logPath: wire?.logPath ?? "",
    stdin: wire?.stdin ?? false,
    stdinOnce: wire?.stdinOnce ?? false,
    tty: wire?.tty ?? false,
    linux: {
      resources: fromWireResources(linux?.resources),
      securityContext: fromWireSecurity(linux?.securityContext),
    },
  };
}

export function toWireContainer(container: Container): Wire<"Container"> {
  return {
    id: container.id,
    podSandboxId: container.podSandboxId,
    metadata: container.metadata,
    image: imageSpec(container.image),
    imageRef: container.imageRef,
    state: states[container.state],
    createdAt: toWireTime(container.createdAtMs),
    labels: toWireMap(container.labels),
    annotations: toWireMap(container.annotations),
    imageId: "",
  };
}

export function fromWireContainer(wire: Wire<"Container">): Container {
  return {
    id: wire.id,
    podSandboxId: wire.podSandboxId,
    metadata: wire.metadata ?? noMetadata,
    image: wire.image?.userSpecifiedImage || (wire.image?.image ?? ""),
    imageRef: wire.imageRef,
    state: nameOf(states, wire.state, "CONTAINER_UNKNOWN"),
    createdAtMs: fromWireTime(wire.createdAt),
    labels: fromWireMap(wire.labels),
    annotations: fromWireMap(wire.annotations),
  };
}

export function toWireStatus(status: ContainerStatus): Wire<"ContainerStatus"> {
  return {
    id: status.id,
    metadata: status.metadata,
    state: states[status.state],
    createdAt: toWireTime(status.createdAtMs),
    startedAt: toWireTime(status.startedAtMs),
    finishedAt: toWireTime(status.finishedAtMs),
    exitCode: status.exitCode,
    image: imageSpec(status.image),
    imageRef: status.imageRef,
    reason: status.reason,
    message: status.message,
    labels: toWireMap(status.labels),
    annotations: toWireMap(status.annotations),
    mounts: status.mounts.map(toWireMount),
    logPath: status.logPath,
    resources: status.resources && { linux: toWireResources(status.resources) },
    imageId: "",
  };
}

/** The wire's status does not say which sandbox it belongs to. */
export function fromWireStatus(wire: Wire<"ContainerStatus">, podSandboxId: string): ContainerStatus {
  return {
    id: wire.id,
    podSandboxId,
    metadata: wire.metadata ?? noMetadata,
    image: wire.image?.userSpecifiedImage || (wire.image?.image ?? ""),
    imageRef: wire.imageRef,
    state: nameOf(states, wire.state, "CONTAINER_UNKNOWN"),
    createdAtMs: fromWireTime(wire.createdAt),
    startedAtMs: fromWireTime(wire.startedAt),
    finishedAtMs: fromWireTime(wire.finishedAt),
    exitCode: wire.exitCode,
    reason: wire.reason,
    message: wire.message,
    labels: fromWireMap(wire.labels),
    annotations: fromWireMap(wire.annotations),
    mounts: wire.mounts.map(fromWireMount),
    logPath: wire.logPath,
    ...(wire.resources?.linux === undefined ? {} : { resources: fromWireResources(wire.resources.linux) }),
  };
}

export function toWireEvent(event: ContainerEvent): {
  containerId: string;
  containerEventType: Wire<"ContainerEventResponse">["containerEventType"];
  createdAt: bigint;
  podSandboxStatus: { metadata: { uid: string } };
} {
  return {
    containerId: event.containerId,
    containerEventType: eventTypes[event.type],
    createdAt: toWireTime(event.createdAtMs),
    podSandboxStatus: { metadata: { uid: event.podUid } },
  };
}

export function fromWireEvent(wire: Wire<"ContainerEventResponse">): ContainerEvent {
  return {
    containerId: wire.containerId,
    type: nameOf(eventTypes, wire.containerEventType, "CONTAINER_STOPPED_EVENT"),
    podUid: wire.podSandboxStatus?.metadata?.uid ?? "",
    createdAtMs: fromWireTime(wire.createdAt),
  };
}
