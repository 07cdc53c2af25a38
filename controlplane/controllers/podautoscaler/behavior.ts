import type { HorizontalPodAutoscalerSpec, HPAScalingRules } from "../../api/mod.ts";

/** What was recommended when, before any limit. */
export interface Recommendation {
  readonly replicas: number;
  readonly atMs: number;
}

/** By how many pods the target was scaled. */
export interface ScaleEvent {
  readonly change: number;
  readonly atMs: number;
}

/** In memory only, as in the original: after a restart nothing is held back. */
export interface History {
  readonly recommendations: readonly Recommendation[];
  readonly ups: readonly ScaleEvent[];
  readonly downs: readonly ScaleEvent[];
}

export const noHistory: History = { recommendations: [], ups: [], downs: [] };

export interface Limited {
  readonly replicas: number;
  readonly able: { readonly reason: string; readonly message: string };
  readonly limited: { readonly status: "True" | "False"; readonly reason: string; readonly message: string };
}

const downWindowSeconds = 300;

type Rules = Required<Pick<HPAScalingRules, "selectPolicy" | "policies">> & { readonly windowMs: number };

function rules(given: HPAScalingRules | undefined, direction: "up" | "down"): Rules {
  const fallback =
    direction === "up"
      ? [
          { type: "Pods", value: 4, periodSeconds: 15 },
          { type: "Percent", value: 100, periodSeconds: 15 },
        ]
      : [{ type: "Percent", value: 100, periodSeconds: 15 }];
  const window = given?.stabilizationWindowSeconds ?? (direction === "up" ? 0 : downWindowSeconds);
  return {
    selectPolicy: given?.selectPolicy ?? "Max",
    policies: given?.policies?.length ? given.policies : fallback,
    windowMs: window * 1000,
  };
}

/** What remains of a recommendation after the windows of stability, the rates of change, and the bounds. */
export function limit(
  { behavior, minReplicas = 1, maxReplicas }: HorizontalPodAutoscalerSpec,
  current: number,
  desired: number,
  history: History,
  nowMs: number,
): Limited {
  const up = rules(behavior?.scaleUp, "up");
  const down = rules(behavior?.scaleDown, "down");
  const stable = stabilize(current, desired, history.recommendations, up.windowMs, down.windowMs, nowMs);
  const able =
    stable === desired
      ? { reason: "ReadyForNewScale", message: "recommended size matches current size" }
      : held(stable, desired);
  const startOf = (periodSeconds: number) => {
    const recent = (events: readonly ScaleEvent[]) =>
      events.filter(({ atMs }) => atMs > nowMs - periodSeconds * 1000).reduce((n, { change }) => n + change, 0);
    return current - recent(history.ups) + recent(history.downs);
  };
  const no = {
    status: "False",
    reason: "DesiredWithinRange",
    message: "the desired count is within the acceptable range",
  } as const;
  if (stable > current) {
    // Without rules of their own, targets may double, or become four.
    const byRate = behavior === undefined ? Math.max(2 * current, 4) : upLimit(current, up, startOf);
    const most = Math.min(maxReplicas, Math.max(current, byRate));
    if (stable <= most) return { replicas: stable, able, limited: no };
    return { replicas: most, able, limited: byRate < maxReplicas ? tooFast("ScaleUpLimit", "increasing") : tooMany };
  }
  if (stable < current) {
    const byRate = behavior === undefined ? minReplicas : downLimit(current, down, startOf);
    const least = Math.max(minReplicas, Math.min(current, byRate));
    if (stable >= least) return { replicas: stable, able, limited: no };
    return { replicas: least, able, limited: byRate > minReplicas ? tooFast("ScaleDownLimit", "decreasing") : tooFew };
  }
  if (stable > maxReplicas) return { replicas: maxReplicas, able, limited: tooMany };
  if (stable < minReplicas) return { replicas: minReplicas, able, limited: tooFew };
  return { replicas: stable, able, limited: desired > maxReplicas ? tooMany : desired < minReplicas ? tooFew : no };
}

/** Upwards the lowest recommendation of the window counts, downwards the highest. */
function stabilize(
  current: number,
  desired: number,
  recommendations: readonly Recommendation[],
  upWindowMs: number,
  downWindowMs: number,
  nowMs: number,
): number {
  let [lowest, highest] = [desired, desired];
  for (const { replicas, atMs } of recommendations) {
    if (atMs > nowMs - upWindowMs) lowest = Math.min(lowest, replicas);
    if (atMs > nowMs - downWindowMs) highest = Math.max(highest, replicas);
  }
  return Math.min(Math.max(current, lowest), highest);
}

function held(stable: number, desired: number): { reason: string; message: string } {
  const [which, word, other] = stable < desired ? ["Up", "lower", "lowest"] : ["Down", "higher", "highest"];
  const message = `recent recommendations were ${word} than current one, applying the ${other} recent recommendation`;
  return { reason: `Scale${which}Stabilized`, message };
}

function upLimit(current: number, { policies, selectPolicy }: Rules, startOf: (seconds: number) => number): number {
  if (selectPolicy === "Disabled") return current;
  const proposals = policies.map(({ type, value, periodSeconds }) => {
    const start = startOf(periodSeconds);
    return type === "Pods" ? start + value : Math.ceil(start * (1 + value / 100));
  });
  return selectPolicy === "Min" ? Math.min(...proposals) : Math.max(...proposals);
}

function downLimit(current: number, { policies, selectPolicy }: Rules, startOf: (seconds: number) => number): number {
  if (selectPolicy === "Disabled") return current;
  const proposals = policies.map(({ type, value, periodSeconds }) => {
    const start = startOf(periodSeconds);
    return type === "Pods" ? start - value : Math.trunc(start * (1 - value / 100));
  });
  // The policy that changes least keeps most.
  return selectPolicy === "Min" ? Math.max(...proposals) : Math.min(...proposals);
}

function tooFast(reason: string, word: string) {
  const message = `the desired replica count is ${word} faster than the maximum scale rate`;
  return { status: "True", reason, message } as const;
}

const tooMany = {
  status: "True",
  reason: "TooManyReplicas",
  message: "the desired replica count is more than the maximum replica count",
} as const;

const tooFew = {
  status: "True",
  reason: "TooFewReplicas",
  message: "the desired replica count is less than the minimum replica count",
} as const;

/** What may still matter: nothing reaches back further than the longest window or period, an hour at most. */
export function remember(history: History, { behavior }: HorizontalPodAutoscalerSpec, nowMs: number): History {
  const windows = [rules(behavior?.scaleUp, "up"), rules(behavior?.scaleDown, "down")];
  const longestMs = Math.max(
    ...windows.flatMap(({ windowMs, policies }) => [
      windowMs,
      ...policies.map(({ periodSeconds }) => periodSeconds * 1000),
    ]),
  );
  const recent = <T extends { readonly atMs: number }>(items: readonly T[]) =>
    items.filter(({ atMs }) => atMs > nowMs - longestMs);
  const { recommendations, ups, downs } = history;
  return { recommendations: recent(recommendations), ups: recent(ups), downs: recent(downs) };
}
