import {
  type Container,
  type ContainerStatus,
  type Pod,
  type PodStatus,
  timeAt,
} from "../../../controlplane/api/mod.ts";
import { isHostNetwork, isSidecar } from "../pod/pod-ref.ts";
import { allContainers, type ContainerKind, ephemeralContainers, qosClass } from "../pod/qos.ts";
import { findContainer, type RuntimeContainer, type RuntimePod } from "../pod/runtime-pod.ts";
import { containerResize } from "../resize/container-resize.ts";
import { podConditions, type ResizeState, resizeConditions, stampConditions } from "./conditions.ts";
import { containerStatuses, type StartFailure } from "./container-statuses.ts";
import { podPhase } from "./phase.ts";

export interface PodStatusInput {
  readonly pod: Pod;
  readonly runtimePod: RuntimePod;
  /** What was reported last; the API's at first. */
  readonly previous: PodStatus;
  readonly hostIP: string;
  readonly runtimeName: string;
  readonly nowMs: number;
  /** Everything was told to end and nothing restarts. */
  readonly terminal: boolean;
  readonly failure: (containerName: string) => StartFailure | undefined;
  readonly resize?: Pick<ResizeState, "pending" | "failure">;
  readonly probes: {
    started(instance: RuntimeContainer, container: Container): boolean;
    ready(instance: RuntimeContainer, container: Container): boolean;
  };
}

/** What a pod's status is, from what runs, what probes say and what was said before (kubelet_pods.go, generateAPIPodStatus). */
export function podStatus(input: PodStatusInput): PodStatus {
  const { pod, runtimePod, previous, hostIP } = input;
  const now = timeAt(input.nowMs);
  const inits = pod.spec.initContainers ?? [];
  const initStatuses = withProbes(input, inits, statusesOf(input, inits, previous.initContainerStatuses, "init"), true);
  const statuses = withProbes(
    input,
    pod.spec.containers,
    statusesOf(input, pod.spec.containers, previous.containerStatuses, "regular"),
    false,
  );
  const ephemeral = ephemeralContainers(pod);
  const byName = new Map([...initStatuses, ...statuses].map((status) => [status.name, status]));
  const ended = previous.phase === "Failed" || previous.phase === "Succeeded";
  // Once ended, always ended: whoever waits for the end must not see it undone.
  const phase = ended ? (previous.phase as "Failed" | "Succeeded") : podPhase(pod.spec, byName, input.terminal);
  const sandbox = runtimePod.sandboxes[0];
  const ip = isHostNetwork(pod) ? hostIP : sandbox?.network?.ip;
  const podIP = sandbox !== undefined && ip !== undefined ? ip : previous.podIP;
  const sandboxReady = sandbox?.state === "SANDBOX_READY" && ip !== undefined;
  const inProgress = allContainers(pod).some((container) => {
    const instance = findContainer(runtimePod, container.name);
    return instance !== undefined && containerResize(container, instance).kind !== "nothing";
  });
  const { pending, failure } = input.resize ?? {};
  const conditions = [
    ...podConditions(pod, byName, phase, sandboxReady),
    ...resizeConditions({ pending, failure, inProgress: inProgress && !ended && !input.terminal }),
  ];
  const { generation } = pod.metadata;
  return {
    phase,
    ...(previous.reason === undefined ? {} : { reason: previous.reason }),
    ...(previous.message === undefined ? {} : { message: previous.message }),
    conditions: stampConditions(conditions, previous.conditions ?? [], now, generation),
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(podIP === undefined || podIP === "" ? {} : { podIP, podIPs: [{ ip: podIP }] }),
    startTime: previous.startTime ?? now,
    ...(inits.length === 0 ? {} : { initContainerStatuses: initStatuses }),
    containerStatuses: statuses,
    ...(ephemeral.length === 0
      ? {}
      : { ephemeralContainerStatuses: statusesOf(input, ephemeral, previous.ephemeralContainerStatuses, "ephemeral") }),
    qosClass: previous.qosClass ?? qosClass(pod),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
}

function statusesOf(
  input: PodStatusInput,
  containers: readonly Container[],
  previous: readonly ContainerStatus[] = [],
  kind: ContainerKind,
): ContainerStatus[] {
  const { pod, runtimePod, failure, runtimeName } = input;
  const known = new Map(previous.map((status) => [status.name, status]));
  return containerStatuses({ pod, runtimePod, previous: known, failure, runtimeName }, containers, kind);
}

function withProbes(
  input: PodStatusInput,
  containers: readonly Container[],
  statuses: readonly ContainerStatus[],
  isInit: boolean,
): ContainerStatus[] {
  return statuses.map((status, index) => {
    const container = containers[index] as Container;
    const instance = findContainer(input.runtimePod, container.name);
    const running = status.state?.running !== undefined && instance !== undefined;
    const started = running && input.probes.started(instance, container);
    if (isInit && !isSidecar(container))
      return { ...status, started: false, ready: status.state?.terminated?.exitCode === 0 };
    return { ...status, started, ready: running && input.probes.ready(instance, container) };
  });
}

/** The last status of a pod whose containers are all gone: none of them may still claim to run or to wait. */
export function terminatedStatus(status: PodStatus): PodStatus {
  const end = (container: ContainerStatus): ContainerStatus => {
    if (container.state?.terminated !== undefined) return { ...container, ready: false, started: false };
    const before = container.lastState?.terminated;
    if (container.state?.waiting !== undefined && before !== undefined) {
      return { ...container, state: { terminated: before }, ready: false, started: false };
    }
    const terminated = {
      reason: "ContainerStatusUnknown",
      message: "The container could not be located when the pod was terminated",
      exitCode: 137,
    };
    return { ...container, state: { terminated }, ready: false, started: false };
  };
  return {
    ...status,
    containerStatuses: status.containerStatuses?.map(end),
    // Init containers that never ran stay as they are: they were not needed.
    initContainerStatuses: status.initContainerStatuses?.map((one) =>
      one.state?.running === undefined ? one : end(one),
    ),
    ephemeralContainerStatuses: status.ephemeralContainerStatuses?.map(end),
  };
}
