import type { Container, ContainerStatus, PodSpec, PodStatus } from "../../../controlplane/api/mod.ts";
import { isSidecar } from "../pod/pod-ref.ts";

export type PodPhase = NonNullable<PodStatus["phase"]>;

/** What one container contributes to its pod's phase. */
type Share = "running" | "stopped" | "waiting" | "unknown";

function shareOf(status: ContainerStatus | undefined): Share {
  if (status === undefined) return "unknown";
  if (status.state?.running !== undefined) return "running";
  if (status.state?.terminated !== undefined) return "stopped";
  if (status.state?.waiting === undefined) return "unknown";
  // It has run before and waits for its back-off: as good as stopped.
  return status.lastState?.terminated !== undefined ? "stopped" : "waiting";
}

function exitCodeOf(status: ContainerStatus | undefined): number | undefined {
  return status?.state?.terminated?.exitCode ?? (status?.state?.waiting && status.lastState?.terminated?.exitCode);
}

/**
 * The phase of a pod from its containers' statuses (kubelet_pods.go, getPhase). `terminal`: the pod was decided to end and nothing restarts.
 * The caller keeps Succeeded and Failed once they were reached.
 */
export function podPhase(spec: PodSpec, statuses: ReadonlyMap<string, ContainerStatus>, terminal: boolean): PodPhase {
  const status = (container: Container) => statuses.get(container.name);
  const inits = spec.initContainers ?? [];
  const count = { running: 0, stopped: 0, waiting: 0, unknown: 0 };
  let succeeded = 0;
  let initialising = false;

  for (const container of inits.filter((init) => !isSidecar(init))) {
    const share = shareOf(status(container));
    if (share !== "stopped") initialising = true;
    else if (exitCodeOf(status(container)) !== 0 && spec.restartPolicy === "Never") return "Failed";
  }
  let sidecarsPending = false;
  for (const container of inits.filter(isSidecar)) {
    const share = shareOf(status(container));
    // Sidecars that ended say nothing about the pod.
    if (share !== "stopped") count[share]++;
    if (share === "waiting" || (share === "running" && status(container)?.started !== true)) sidecarsPending = true;
  }
  for (const container of spec.containers) {
    const share = shareOf(status(container));
    count[share]++;
    if (status(container)?.state?.terminated?.exitCode === 0) succeeded++;
  }

  if (initialising || (sidecarsPending && !anyRegularRan(spec, statuses)) || count.waiting > 0) return "Pending";
  if (count.unknown > 0) return "Pending";
  if (count.running > 0) return "Running";
  if (count.stopped === 0) return "Pending";
  if (terminal) return succeeded === count.stopped ? "Succeeded" : "Failed";
  if ((spec.restartPolicy ?? "Always") === "Always") return "Running";
  if (succeeded === count.stopped) return "Succeeded";
  return spec.restartPolicy === "Never" ? "Failed" : "Running";
}

/** Whether any container proper has run: then the pod's initialisation lies behind it. */
export function anyRegularRan(spec: PodSpec, statuses: ReadonlyMap<string, ContainerStatus>): boolean {
  return spec.containers.some((container) => {
    const status = statuses.get(container.name);
    return (
      status?.started === true ||
      status?.state?.running !== undefined ||
      status?.state?.terminated !== undefined ||
      status?.lastState?.terminated !== undefined
    );
  });
}
