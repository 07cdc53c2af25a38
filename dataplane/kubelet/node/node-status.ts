import { type Node, type NodeCondition, type NodeStatus, Quantity } from "../../../controlplane/api/mod.ts";
import type { PressureCondition } from "../eviction/eviction-manager.ts";
import type { Image, RuntimeCondition, VersionResponse } from "../runtime/cri.ts";
import type { Machine } from "./machine.ts";

/** Kept back from pods: for the system, for the agent, and what eviction defends. Thousandths of a CPU, bytes. */
export interface Reserved {
  readonly milliCpu: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

/** The original's limit: a list of thousands would be written with each change of the node. */
const maxImages = 50;

export interface NodeStatusInput {
  readonly nodeName: string;
  readonly nodeIP: string;
  readonly kubeletPort: number;
  readonly maxPods: number;
  /** Of Kubernetes: what a scheduler or a tool may expect of this node. */
  readonly kubernetesVersion: string;
  readonly machine: Machine;
  readonly reserved: Reserved;
  readonly pressures: ReadonlySet<PressureCondition>;
  readonly version: VersionResponse;
  readonly runtimeConditions: readonly RuntimeCondition[];
  readonly images: readonly Image[];
  /** What must stay attached. */
  readonly volumesInUse: readonly string[];
  /** What containers do not get from this runtime, in sentences. */
  readonly limitations: readonly string[];
  readonly isolated: boolean;
  /** Unique for this node, though several may share a machine. */
  readonly systemUuid: string;
  readonly now: string;
  readonly previous: readonly NodeCondition[];
}

export function nodeStatus(input: NodeStatusInput): NodeStatus {
  const { machine, version, reserved } = input;
  const bytes = (count: number) => Quantity.fromNumber(Math.floor(count / 1024) * 1024, "BinarySI").toString();
  const pods = `${input.maxPods}`;
  const cpu = (milli: number) => Quantity.fromMilli(Math.round(milli)).toString();
  return {
    capacity: {
      cpu: cpu(machine.cpus * 1000),
      pods,
      memory: bytes(machine.memoryBytes),
      "ephemeral-storage": bytes(machine.diskBytes),
    },
    allocatable: {
      cpu: cpu(machine.cpus * 1000 - reserved.milliCpu),
      pods,
      memory: bytes(machine.memoryBytes - reserved.memoryBytes),
      "ephemeral-storage": bytes(machine.diskBytes - reserved.diskBytes),
    },
    conditions: stamped(conditions(input), input),
    addresses: [
      { type: "InternalIP", address: input.nodeIP },
      { type: "Hostname", address: input.nodeName },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: input.kubeletPort } },
    nodeInfo: {
      machineID: machine.machineId,
      systemUUID: input.systemUuid,
      bootID: machine.bootId,
      kernelVersion: machine.kernelVersion,
      osImage: machine.osImage,
      containerRuntimeVersion: `${version.runtimeName}://${version.runtimeVersion}`,
      kubeletVersion: input.kubernetesVersion,
      kubeProxyVersion: input.kubernetesVersion,
      operatingSystem: machine.operatingSystem,
      architecture: machine.architecture,
    },
    images: [...input.images]
      .sort((a, b) => b.sizeBytes - a.sizeBytes)
      .slice(0, maxImages)
      .map(({ repoTags, repoDigests, sizeBytes }) => ({
        names: [...repoTags, ...repoDigests],
        sizeBytes,
      })),
    // Also when there are none: what was said before must not stay.
    volumesInUse: [...input.volumesInUse],
  };
}

type Fact = Pick<NodeCondition, "type" | "status" | "reason" | "message">;

function conditions(input: NodeStatusInput): Fact[] {
  const { pressures, runtimeConditions } = input;
  const faults = runtimeConditions
    .filter(({ status }) => !status)
    .map(({ type, reason, message }) =>
      type === "NetworkReady"
        ? `container runtime network not ready: NetworkReady=false reason:${reason} message:${message}`
        : `container runtime is not ready: ${reason} ${message}`,
    );
  return [
    fact(
      "MemoryPressure",
      pressures.has("MemoryPressure"),
      ["KubeletHasInsufficientMemory", "kubelet has insufficient memory available"],
      ["KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
    ),
    fact(
      "DiskPressure",
      pressures.has("DiskPressure"),
      ["KubeletHasDiskPressure", "kubelet has disk pressure"],
      ["KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
    ),
    fact(
      "PIDPressure",
      pressures.has("PIDPressure"),
      ["KubeletHasInsufficientPID", "kubelet has insufficient PID available"],
      ["KubeletHasSufficientPID", "kubelet has sufficient PID available"],
    ),
    // Not of the original: what this runtime cannot do stands where people look.
    fact(
      "ContainersIsolated",
      input.isolated,
      ["Namespaces", input.limitations.join("; ")],
      ["PlainProcesses", input.limitations.join("; ")],
    ),
    fact(
      "Ready",
      faults.length === 0,
      ["KubeletReady", "kubelet is posting ready status"],
      ["KubeletNotReady", faults.join(", ")],
    ),
  ];
}

function fact(
  type: string,
  holds: boolean,
  whenTrue: readonly [string, string],
  whenFalse: readonly [string, string],
): Fact {
  const [reason, message] = holds ? whenTrue : whenFalse;
  return { type, status: holds ? "True" : "False", reason, message };
}

function stamped(facts: readonly Fact[], { previous, now }: NodeStatusInput): NodeCondition[] {
  return facts.map((condition) => {
    const before = previous.find(({ type }) => type === condition.type);
    const same = before?.status === condition.status && before.lastTransitionTime !== undefined;
    return { ...condition, lastHeartbeatTime: now, lastTransitionTime: same ? before.lastTransitionTime : now };
  });
}

/** Labels every node has. */
export function nodeLabels(nodeName: string, machine: Machine): Record<string, string> {
  const { operatingSystem, architecture } = machine;
  return {
    "beta.kubernetes.io/arch": architecture,
    "beta.kubernetes.io/os": operatingSystem,
    "kubernetes.io/arch": architecture,
    "kubernetes.io/hostname": nodeName,
    "kubernetes.io/os": operatingSystem,
  };
}

export function newNode(nodeName: string, labels: Record<string, string>, status: NodeStatus): Node {
  return { apiVersion: "v1", kind: "Node", metadata: { name: nodeName, labels }, spec: {}, status };
}

/** Heartbeats aside, whether anything differs. */
export function sameNodeStatus(a: NodeStatus, b: NodeStatus): boolean {
  const bare = (status: NodeStatus) =>
    JSON.stringify({ ...status, conditions: status.conditions?.map((one) => ({ ...one, lastHeartbeatTime: "" })) });
  return bare(a) === bare(b);
}

/** Whether the API says of each of the node's conditions what the node says. */
export function sameConditions(own: NodeStatus, said: NodeStatus): boolean {
  return (own.conditions ?? []).every(({ type, status }) =>
    said.conditions?.some((other) => other.type === type && other.status === status),
  );
}
