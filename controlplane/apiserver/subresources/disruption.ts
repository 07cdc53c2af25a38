import {
  type Condition,
  cloneJson,
  type FailureStatus,
  fromLabelSelector,
  type KubeObject,
  matchesLabels,
  type Pod,
  type PodDisruptionBudget,
  status,
  timeAt,
} from "../../api/mod.ts";

/** More evictions than this, of which the disruption controller has seen no pod go, and something is wrong with it. */
const MAX_DISRUPTED_PODS = 2000;

export type Budget = PodDisruptionBudget & KubeObject;

/** How a pod may be evicted (kubernetes pkg/registry/core/pod/storage/eviction.go). */
export type EvictionRule =
  /** It disrupts nobody any more, or not yet. */
  | { readonly kind: "delete"; readonly onlyIfUnchanged: boolean }
  /** It does, and this budget must have room for it. */
  | { readonly kind: "budget"; readonly budget: Budget }
  | { readonly kind: "tooManyBudgets" };

/** `budgets`: all of the pod's namespace. */
export function evictionRule(pod: Pod, budgets: readonly Budget[]): EvictionRule {
  const { phase, conditions } = pod.status ?? {};
  const ended = phase === "Succeeded" || phase === "Failed";
  if (ended || pod.metadata.deletionTimestamp !== undefined) return { kind: "delete", onlyIfUnchanged: false };
  // A pod that is only about to start may be counted by the time it is deleted: then it is decided anew.
  if (phase === "Pending" || phase === undefined) return { kind: "delete", onlyIfUnchanged: true };
  const [budget, ...others] = budgets.filter((candidate) => covers(candidate, pod));
  if (others.length > 0) return { kind: "tooManyBudgets" };
  if (budget === undefined) return { kind: "delete", onlyIfUnchanged: false };
  const isReady = conditions?.some((condition) => condition.type === "Ready" && condition.status === "True");
  if (!isReady && mayGoUnhealthy(budget)) return { kind: "delete", onlyIfUnchanged: true };
  return { kind: "budget", budget };
}

function covers({ metadata, spec }: Budget, pod: Pod): boolean {
  if (metadata.namespace !== pod.metadata.namespace || spec.selector === undefined) return false;
  const selector = fromLabelSelector(spec.selector);
  return selector.ok && matchesLabels(selector.selector, pod.metadata.labels ?? {});
}

/** A pod that is not ready is not counted: it may go if enough others are, or if the budget says always. */
function mayGoUnhealthy({ spec, status: seen }: Budget): boolean {
  if (spec.unhealthyPodEvictionPolicy === "AlwaysAllow") return true;
  const desired = seen?.desiredHealthy ?? 0;
  return desired > 0 && (seen?.currentHealthy ?? 0) >= desired;
}

export type Taken =
  | { readonly ok: true; readonly budget: Budget }
  | { readonly ok: false; readonly refused: FailureStatus };

/** The budget after this disruption, or why it does not allow it. */
export function takeDisruption(budget: Budget, podName: string, nowMs: number): Taken {
  const { metadata, status: seen } = budget;
  const forbidden = (why: string): Taken => ({
    ok: false,
    refused: status.forbidden({ group: "policy", resource: "poddisruptionbudgets" }, metadata.name, why),
  });
  if (seen === undefined || (seen.observedGeneration ?? 0) < (metadata.generation ?? 0))
    return tooMany(`The disruption budget ${metadata.name} is still being processed by the server.`, 10);
  const allowed = seen.disruptionsAllowed;
  if (allowed < 0) return forbidden("pdb disruptions allowed is negative");
  if (Object.keys(seen.disruptedPods ?? {}).length > MAX_DISRUPTED_PODS)
    return forbidden("DisruptedPods map too big - too many evictions not confirmed by PDB controller");
  if (allowed === 0) return tooMany(whyNone(budget), 0);
  const next = cloneJson(budget);
  next.status = {
    ...seen,
    disruptionsAllowed: allowed - 1,
    disruptedPods: { ...seen.disruptedPods, [podName]: timeAt(nowMs) },
    ...(allowed === 1 && { conditions: withInsufficientPods(next, nowMs) }),
  };
  return { ok: true, budget: next };
}

function whyNone({ metadata, status: seen }: Budget): string {
  const condition = seen?.conditions?.find(({ type }) => type === "DisruptionAllowed");
  if (condition?.status === "False" && condition.reason === "SyncFailed")
    return `The disruption budget ${metadata.name} does not allow evicting pods currently because it failed sync: ${condition.message}`;
  const { desiredHealthy = 0, currentHealthy = 0 } = seen ?? {};
  return `The disruption budget ${metadata.name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
}

function tooMany(cause: string, retryAfterSeconds: number): Taken {
  const refused = status.tooManyRequests(
    "Cannot evict pod as it would violate the pod's disruption budget.",
    retryAfterSeconds,
  );
  const causes = [{ reason: "DisruptionBudget", message: cause }];
  return { ok: false, refused: { ...refused, details: { ...refused.details, causes } } };
}

function withInsufficientPods({ metadata, status: seen }: Budget, nowMs: number): Condition[] {
  const conditions = seen?.conditions ?? [];
  const known = conditions.find(({ type }) => type === "DisruptionAllowed");
  const condition: Condition = {
    type: "DisruptionAllowed",
    status: "False",
    reason: "InsufficientPods",
    message: "",
    ...(metadata.generation && { observedGeneration: metadata.generation }),
    lastTransitionTime: known?.status === "False" ? known.lastTransitionTime : timeAt(nowMs),
  };
  return [...conditions.filter(({ type }) => type !== "DisruptionAllowed"), condition];
}

/** What a pod is told before it goes. */
export function withDisruptionTarget(pod: Pod & KubeObject, nowMs: number): Pod & KubeObject {
  const next = cloneJson(pod);
  const others = (next.status?.conditions ?? []).filter(({ type }) => type !== "DisruptionTarget");
  const condition = {
    type: "DisruptionTarget",
    status: "True" as const,
    reason: "EvictionByEvictionAPI",
    message: "Eviction API: evicting",
    lastTransitionTime: timeAt(nowMs),
  };
  next.status = { ...next.status, conditions: [...others, condition] };
  return next;
}
