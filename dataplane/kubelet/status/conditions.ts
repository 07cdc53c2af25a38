import type { ContainerStatus, Pod, PodCondition, PodSpec } from "../../../controlplane/api/mod.ts";
import { isSidecar } from "../pod/pod-ref.ts";
import { anyRegularRan, type PodPhase } from "./phase.ts";

/** A condition before it is known when it changed last. */
export type Condition = Pick<PodCondition, "type" | "status" | "reason" | "message">;

/** Conditions that are this kubelet's to write; others (readiness gates, DisruptionTarget) are left as they are. */
export const ownConditions: ReadonlySet<string> = new Set([
  "PodScheduled",
  "PodReadyToStartContainers",
  "Initialized",
  "ContainersReady",
  "Ready",
  "PodResizePending",
  "PodResizeInProgress",
]);

/** How far a pod is on the way to other resources. */
export interface ResizeState {
  readonly pending: Pick<Condition, "reason" | "message"> | undefined;
  /** What was granted is not in force yet. */
  readonly inProgress: boolean;
  readonly failure: string | undefined;
}

/** These are there while they hold, and gone else. */
export function resizeConditions({ pending, inProgress, failure }: ResizeState): Condition[] {
  const error = failure === undefined ? {} : { reason: "Error", message: failure };
  return [
    ...(pending === undefined
      ? []
      : [{ type: "PodResizePending", status: "True" as const, reason: pending.reason, message: pending.message }]),
    ...(inProgress ? [{ type: "PodResizeInProgress", status: "True" as const, ...error }] : []),
  ];
}

/** All of a pod's own conditions, in the order the original reports them (status/generate.go). */
export function podConditions(
  pod: Pod,
  statuses: ReadonlyMap<string, ContainerStatus>,
  phase: PodPhase,
  sandboxReady: boolean,
): Condition[] {
  const containersReady = containersReadyCondition(pod.spec, statuses, phase);
  return [
    { type: "PodReadyToStartContainers", status: sandboxReady ? "True" : "False" },
    initializedCondition(pod.spec, statuses, phase),
    readyCondition(pod, containersReady),
    containersReady,
    { type: "PodScheduled", status: "True" },
  ];
}

function named(what: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`containers with ${what} status: [${names.join(" ")}]`];
}

function containersReadyCondition(
  spec: PodSpec,
  statuses: ReadonlyMap<string, ContainerStatus>,
  phase: PodPhase,
): Condition {
  const type = "ContainersReady";
  const counted = [...(spec.initContainers ?? []).filter(isSidecar), ...spec.containers].map(({ name }) => name);
  const unknown = counted.filter((name) => !statuses.has(name));
  const unready = counted.filter((name) => statuses.get(name)?.ready === false);
  if (phase === "Succeeded" && unknown.length === 0) return { type, status: "False", reason: "PodCompleted" };
  if (phase === "Failed" && unknown.length === 0) return { type, status: "False", reason: "PodFailed" };
  const messages = [...named("unknown", unknown), ...named("unready", unready)];
  if (messages.length === 0) return { type, status: "True" };
  return { type, status: "False", reason: "ContainersNotReady", message: messages.join(", ") };
}

function readyCondition(pod: Pod, containersReady: Condition): Condition {
  if (containersReady.status !== "True") return { ...containersReady, type: "Ready" };
  const messages: string[] = [];
  for (const { conditionType } of pod.spec.readinessGates ?? []) {
    const gate = pod.status?.conditions?.find((condition) => condition.type === conditionType);
    if (gate === undefined)
      messages.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`);
    else if (gate.status !== "True") {
      messages.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`);
    }
  }
  if (messages.length === 0) return { type: "Ready", status: "True" };
  return { type: "Ready", status: "False", reason: "ReadinessGatesNotReady", message: messages.join(", ") };
}

function initializedCondition(
  spec: PodSpec,
  statuses: ReadonlyMap<string, ContainerStatus>,
  phase: PodPhase,
): Condition {
  const type = "Initialized";
  const inits = spec.initContainers ?? [];
  const unknown = inits.filter(({ name }) => !statuses.has(name)).map(({ name }) => name);
  const incomplete = inits
    .filter((container) => {
      const status = statuses.get(container.name);
      if (status === undefined) return false;
      return isSidecar(container) ? status.started !== true : !status.ready;
    })
    .map(({ name }) => name);
  if (phase === "Succeeded" && unknown.length === 0) return { type, status: "True", reason: "PodCompleted" };
  if (anyRegularRan(spec, statuses)) return { type, status: "True" };
  const messages = [...named("unknown", unknown), ...named("incomplete", incomplete)];
  if (messages.length === 0) return { type, status: "True" };
  return { type, status: "False", reason: "ContainersNotInitialized", message: messages.join(", ") };
}

/** Conditions with their times: a condition that did not change keeps its own; foreign ones stay. */
export function stampConditions(
  conditions: readonly Condition[],
  before: readonly PodCondition[],
  now: string,
  generation: number | undefined,
): PodCondition[] {
  const stamped = conditions.map((condition) => {
    const old = before.find((candidate) => candidate.type === condition.type);
    const lastTransitionTime = old?.status === condition.status ? (old.lastTransitionTime ?? now) : now;
    const observedGeneration = generation === undefined ? {} : { observedGeneration: generation };
    return { ...condition, lastTransitionTime, ...observedGeneration } as PodCondition;
  });
  return [...stamped, ...before.filter((condition) => !ownConditions.has(condition.type))];
}
