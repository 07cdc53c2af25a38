import {
  type Container,
  type ContainerState,
  type ContainerStatus,
  type Pod,
  timeAt,
} from "../../../controlplane/api/mod.ts";
import { shouldRestart } from "../pod/actions.ts";
import type { ContainerKind } from "../pod/qos.ts";
import { findContainer, type RuntimeContainer, type RuntimePod } from "../pod/runtime-pod.ts";
import { resourcesInForce } from "../resize/container-resize.ts";

/** Why a container could not be started last time: shown while it waits. */
export interface StartFailure {
  /** For example `CrashLoopBackOff`. */
  readonly reason: string;
  readonly message: string;
}

export interface ContainerStatusInput {
  readonly pod: Pod;
  readonly runtimePod: RuntimePod;
  /** The statuses last reported, by name. */
  readonly previous: ReadonlyMap<string, ContainerStatus>;
  readonly failure: (containerName: string) => StartFailure | undefined;
  /** `containerd://…` in the original: the engine's name. */
  readonly runtimeName: string;
}

const lost = (situation: string): ContainerState => ({
  terminated: {
    reason: "ContainerStatusUnknown",
    message: `The container could not be located when the pod was ${situation}.  The container used to be Running`,
    exitCode: 137,
  },
});

/** Statuses of a list of containers, in the order of the spec (kubelet_pods.go, convertToAPIContainerStatuses). `ready` and `started` are the probes' to say. */
export function containerStatuses(
  input: ContainerStatusInput,
  containers: readonly Container[],
  kind: ContainerKind,
): ContainerStatus[] {
  return containers.map((container) => containerStatus(input, container, kind));
}

function containerStatus(input: ContainerStatusInput, container: Container, kind: ContainerKind): ContainerStatus {
  const { pod, runtimePod, previous } = input;
  const old = previous.get(container.name);
  const instances = runtimePod.containers.filter(({ name }) => name === container.name);
  const [newest, before] = instances;
  const status = newest === undefined ? neverSeen(input, container, old, kind) : seen(input, container, newest);
  if (before !== undefined) status.lastState = stateOf(input, before);
  else if (
    newest !== undefined &&
    old?.lastState !== undefined &&
    newest.restartCount > 0 &&
    old.restartCount >= newest.restartCount
  ) {
    status.lastState = old.lastState; // its predecessor has been collected
  }
  const exited = newest?.state === "exited";
  const initDone = kind === "init" && exited && newest.exitCode === 0 && container.restartPolicy !== "Always";
  const over = initDone || (kind === "ephemeral" && exited);
  if (!over && shouldRestart(pod, container, findContainer(runtimePod, container.name))) {
    const failure = input.failure(container.name);
    if (failure !== undefined) {
      if (status.state?.terminated !== undefined) status.lastState = status.state;
      status.state = { waiting: { reason: failure.reason, message: failure.message } };
    }
  }
  return status;
}

function seen(input: ContainerStatusInput, container: Container, instance: RuntimeContainer): ContainerStatus {
  return {
    name: container.name,
    state: stateOf(input, instance),
    lastState: {},
    ready: false,
    restartCount: instance.restartCount,
    image: instance.image,
    imageID: instance.imageId,
    containerID: `${input.runtimeName}://${instance.id}`,
    ...resourcesOf(container, instance),
    volumeMounts: container.volumeMounts?.map(({ name, mountPath, readOnly }) => ({
      name,
      mountPath,
      ...(readOnly === true ? { readOnly, recursiveReadOnly: "Disabled" } : {}),
    })),
  };
}

/** Requests that were granted, and what is in force; of a container that asks for nothing, an empty answer. */
function resourcesOf(
  container: Container,
  instance: RuntimeContainer,
): Pick<ContainerStatus, "allocatedResources" | "resources"> {
  const requests = container.resources?.requests;
  return {
    ...(requests === undefined ? {} : { allocatedResources: requests }),
    resources: resourcesInForce(container, instance) ?? {},
  };
}

function stateOf(input: ContainerStatusInput, instance: RuntimeContainer): ContainerState {
  switch (instance.state) {
    case "running":
      return { running: { startedAt: timeAt(instance.startedAtMs) } };
    case "exited":
      return {
        terminated: {
          exitCode: instance.exitCode,
          reason: instance.reason,
          ...(instance.message === "" ? {} : { message: instance.message }),
          startedAt: timeAt(instance.startedAtMs),
          finishedAt: timeAt(instance.finishedAtMs),
          containerID: `${input.runtimeName}://${instance.id}`,
        },
      };
    default:
      return { waiting: { reason: "ContainerCreating" } };
  }
}

/** The runtime has nothing of that name: it has not started yet, or it was lost. */
function neverSeen(
  input: ContainerStatusInput,
  container: Container,
  old: ContainerStatus | undefined,
  kind: ContainerKind,
): ContainerStatus {
  const initialising = kind !== "ephemeral" && (input.pod.spec.initContainers ?? []).length > 0;
  const waiting: ContainerStatus = {
    name: container.name,
    state: { waiting: { reason: initialising ? "PodInitializing" : "ContainerCreating" } },
    lastState: old?.lastState ?? {},
    ready: false,
    restartCount: old?.restartCount ?? 0,
    image: container.image ?? "",
    imageID: "",
  };
  if (old?.state?.terminated !== undefined) return { ...old };
  if (old?.state?.running === undefined) return waiting;
  if (input.pod.metadata.deletionTimestamp !== undefined) return { ...waiting, state: lost("deleted") };
  return { ...waiting, lastState: lost("terminated"), restartCount: waiting.restartCount + 1 };
}
