import type { PodSandbox, PodSandboxConfig, PodSandboxMetadata, PodSandboxStatus } from "../cri.ts";
import {
  fromWireMap,
  fromWireNamespaces,
  fromWireResources,
  fromWireTime,
  nameOf,
  toWireMap,
  toWireNamespaces,
  toWireProfile,
  toWireResources,
  toWireTime,
  type Wire,
} from "./convert-common.ts";

const states = { SANDBOX_READY: 0, SANDBOX_NOTREADY: 1 } as const;
const noMetadata: PodSandboxMetadata = { name: "", uid: "", namespace: "", attempt: 0 };

export function toWirePodConfig(config: PodSandboxConfig): Wire<"PodSandboxConfig"> {
  const { metadata, hostname, logDirectory, dnsConfig, labels, annotations, linux } = config;
  return {
    metadata,
    // In the node's network a pod has the node's name, and engines refuse to give it another.
    hostname: linux.namespaceOptions.network === "NODE" ? "" : hostname,
    logDirectory,
    dnsConfig,
    labels: toWireMap(labels),
    annotations: toWireMap(annotations),
    linux: {
      cgroupParent: linux.cgroupParent,
      securityContext: {
        namespaceOptions: toWireNamespaces(linux.namespaceOptions),
        privileged: linux.privileged,
        runAsUser: undefined,
        runAsGroup: undefined,
        readonlyRootfs: false,
        supplementalGroups: [],
        supplementalGroupsPolicy: 0,
        seccomp: toWireProfile(),
        apparmor: undefined,
      },
      sysctls: toWireMap(linux.sysctls),
      overhead: undefined,
      resources: linux.resources && toWireResources(linux.resources),
    },
  };
}

export function fromWirePodConfig(wire: Wire<"PodSandboxConfig"> | undefined): PodSandboxConfig {
  const { linux } = wire ?? {};
  return {
    metadata: wire?.metadata ?? noMetadata,
    hostname: wire?.hostname ?? "",
    logDirectory: wire?.logDirectory ?? "",
    dnsConfig: wire?.dnsConfig,
    labels: fromWireMap(wire?.labels ?? []),
    annotations: fromWireMap(wire?.annotations ?? []),
    linux: {
      cgroupParent: linux?.cgroupParent ?? "",
      namespaceOptions: fromWireNamespaces(linux?.securityContext?.namespaceOptions),
      privileged: linux?.securityContext?.privileged ?? false,
      sysctls: fromWireMap(linux?.sysctls ?? []),
      ...(linux?.resources === undefined ? {} : { resources: fromWireResources(linux.resources) }),
    },
  };
}

export function toWirePod(pod: PodSandbox): Wire<"PodSandbox"> {
  return {
    id: pod.id,
    metadata: pod.metadata,
    state: states[pod.state],
    createdAt: toWireTime(pod.createdAtMs),
    labels: toWireMap(pod.labels),
    annotations: toWireMap(pod.annotations),
    runtimeHandler: "",
  };
}

export function fromWirePod(
  wire: Pick<Wire<"PodSandbox">, "id" | "metadata" | "state" | "createdAt" | "labels" | "annotations">,
): PodSandbox {
  return {
    id: wire.id,
    metadata: wire.metadata ?? noMetadata,
    state: nameOf(states, wire.state, "SANDBOX_NOTREADY"),
    createdAtMs: fromWireTime(wire.createdAt),
    labels: fromWireMap(wire.labels),
    annotations: fromWireMap(wire.annotations),
  };
}

export function toWirePodStatus(status: PodSandboxStatus): Wire<"PodSandboxStatus"> {
  const { network } = status;
  return {
    ...toWirePod(status),
    network: network && { ip: network.ip, additionalIps: network.additionalIps.map((ip) => ({ ip })) },
    linux: { namespaces: { options: toWireNamespaces(status.namespaceOptions) } },
  };
}

export function fromWirePodStatus(wire: Wire<"PodSandboxStatus">): PodSandboxStatus {
  const { ip = "", additionalIps = [] } = wire.network ?? {};
  return {
    ...fromWirePod(wire),
    namespaceOptions: fromWireNamespaces(wire.linux?.namespaces?.options),
    // An engine says "" for a pod in the node's network.
    ...(ip === "" ? {} : { network: { ip, additionalIps: additionalIps.map((one) => one.ip) } }),
  };
}
