import { millisecondsOf } from "../schema/time.ts";
import type { Container } from "../types/core/container.ts";
import type { ContainerStateTerminated, ContainerStatus } from "../types/core/container-status.ts";
import type { Pod } from "../types/core/pod.ts";
import type { TableRow } from "../types/meta/table.ts";
import { ageColumn, type Column, column, nameColumn, none, wide } from "./column.ts";
import { humanDuration } from "./duration.ts";

export const podColumns: readonly Column<Pod>[] = [
  nameColumn,
  column("Ready", "Containers that are ready, of all.", (pod) => {
    const { ready, total } = summarize(pod);
    return `${ready}/${total}`;
  }),
  column("Status", "What the pod is doing, or what keeps it from doing it.", (pod) => summarize(pod).reason),
  column("Restarts", "How often containers were restarted, and when the last was.", (pod, now) => {
    const { restarts, lastRestart } = summarize(pod);
    return restarts === 0 || lastRestart === 0
      ? `${restarts}`
      : `${restarts} (${humanDuration(now - lastRestart)} ago)`;
  }),
  ageColumn,
  wide(column("IP", "Its address.", (pod) => pod.status?.podIPs?.[0]?.ip || pod.status?.podIP || none)),
  wide(column("Node", "Where it runs.", (pod) => pod.spec.nodeName || none)),
  wide(column("Nominated Node", "Where room is being made for it.", (pod) => pod.status?.nominatedNodeName || none)),
  wide(column("Readiness Gates", "Conditions from outside that hold, of all.", readinessGates)),
];

/** Marks rows of pods that have ended, so that clients may hide them. */
export function podRowConditions({ status }: Pod): TableRow["conditions"] {
  const phase = status?.phase;
  if (phase !== "Succeeded" && phase !== "Failed") return undefined;
  const message = phase === "Succeeded" ? "The pod has completed successfully." : "The pod failed.";
  return [{ type: "Completed", status: "True", reason: phase, message }];
}

interface Summary {
  readonly ready: number;
  readonly total: number;
  readonly reason: string;
  readonly restarts: number;
  /** Milliseconds since 1970; 0: never. */
  readonly lastRestart: number;
}

export function summarize(pod: Pod): Summary {
  const { spec, status = {}, metadata } = pod;
  const sidecars = new Set((spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const init = initializing(pod, sidecars);
  const isInitialized = status.conditions?.some(({ type, status }) => type === "Initialized" && status === "True");
  const main = init.reason === undefined || isInitialized ? running(pod) : undefined;

  const counted = [...(main ? (status.containerStatuses ?? []) : [])];
  // Until the pod is initialized, its init containers' restarts are the news; after that only those of sidecars.
  for (const container of status.initContainerStatuses ?? []) {
    if (main === undefined || sidecars.has(container.name)) counted.push(container);
  }
  const isGated = status.conditions?.some((c) => c.type === "PodScheduled" && c.reason === "SchedulingGated");
  let reason =
    main?.reason ?? init.reason ?? (isGated ? "SchedulingGated" : status.reason || status.phase || "Unknown");
  if (metadata.deletionTimestamp !== undefined) {
    if (status.reason === "NodeLost") reason = "Unknown";
    else if (status.phase !== "Succeeded" && status.phase !== "Failed") reason = "Terminating";
  }
  return {
    ready: init.ready + (main?.ready ?? 0),
    total: (spec.containers ?? []).length + sidecars.size,
    reason,
    restarts: counted.reduce((sum, { restartCount }) => sum + restartCount, 0),
    lastRestart: Math.max(0, ...counted.map((c) => millisecondsOf(c.lastState?.terminated?.finishedAt) ?? 0)),
  };
}

function isSidecar(container: Container): boolean {
  return container.restartPolicy === "Always";
}

/** The first init container that is not done says what the pod waits for; sidecars are done once they have started. */
function initializing({ spec, status }: Pod, sidecars: ReadonlySet<string>): { ready: number; reason?: string } {
  let ready = 0;
  for (const [index, container] of (status?.initContainerStatuses ?? []).entries()) {
    const { terminated, waiting } = container.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecars.has(container.name) && container.started) {
      if (container.ready) ready++;
      continue;
    }
    if (terminated !== undefined) return { ready, reason: `Init:${endOf(terminated)}` };
    if (waiting?.reason && waiting.reason !== "PodInitializing") return { ready, reason: `Init:${waiting.reason}` };
    return { ready, reason: `Init:${index}/${(spec.initContainers ?? []).length}` };
  }
  return { ready };
}

/** The first container with something to say speaks for the pod. */
function running({ status = {} }: Pod): { ready: number; reason: string | undefined } {
  const containers = status.containerStatuses ?? [];
  const ready = containers.filter(isUp).length;
  const reason = containers.map(troubleOf).find((trouble) => trouble !== undefined);
  // One container is done while another goes on: the pod is not done.
  if (reason === "Completed" && ready > 0) {
    const isReady = status.conditions?.some((c) => c.type === "Ready" && c.status === "True");
    return { ready, reason: isReady ? "Running" : "NotReady" };
  }
  return { ready, reason };
}

function isUp({ ready, state }: ContainerStatus): boolean {
  return ready && state?.running !== undefined;
}

function troubleOf({ state }: ContainerStatus): string | undefined {
  if (state?.waiting?.reason) return state.waiting.reason;
  return state?.terminated && endOf(state.terminated);
}

function endOf({ reason, signal, exitCode }: ContainerStateTerminated): string {
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`);
}

function readinessGates({ spec, status }: Pod): string {
  const gates = spec.readinessGates ?? [];
  if (gates.length === 0) return none;
  const holds = (gate: string) => status?.conditions?.some(({ type, status }) => type === gate && status === "True");
  return `${gates.filter(({ conditionType }) => holds(conditionType)).length}/${gates.length}`;
}
