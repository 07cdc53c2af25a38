import { type Pod, type PodDisruptionBudget, selects } from "../../api/mod.ts";
import type { ClusterObjects, PluginArgs } from "../mod.ts";
import { type ReferenceVerdict, referenceFilter } from "./reference.testing.ts";
import { isSame, isTerminating, labelsOf, nameOf, namespaceOf, podsOnNodes } from "./world.testing.ts";

/** Where room can be made, and by whose leaving, the most important first. */
interface Candidate {
  readonly node: string;
  readonly victims: readonly Pod[];
  readonly violations: number;
}

export type ReferencePreemption =
  | { readonly kind: "none"; readonly message: string }
  /** Equally good ones: any may be taken. */
  | { readonly kind: "nominated"; readonly choices: readonly { readonly node: string; readonly victims: string[] }[] };

const priorityOf = (pod: Pod): number => pod.spec?.priority ?? 0;
const startOf = (pod: Pod): number => Date.parse(pod.status?.startTime ?? "9999-01-01T00:00:00Z");
/** The more important first: by priority, then who has run for longer. */
const byImportance = (a: Pod, b: Pod): number => priorityOf(b) - priorityOf(a) || startOf(a) - startOf(b);

/** Names, the more important first. The original leaves open who comes first of equals (its sort is not stable): here it is the name. */
export function rankedNames(pods: readonly Pod[]): string[] {
  return [...pods].sort((a, b) => byImportance(a, b) || (nameOf(a) < nameOf(b) ? -1 : 1)).map(nameOf);
}

export function isRanked(pods: readonly Pod[]): boolean {
  return pods.every((pod, i) => i === 0 || byImportance(pods[i - 1] as Pod, pod) <= 0);
}

export function referencePreemption(pod: Pod, objects: ClusterObjects, args: PluginArgs = {}): ReferencePreemption {
  const verdicts = referenceFilter(pod, objects, args);
  const reason = mayNot(pod, objects, verdicts);
  if (reason !== undefined) return { kind: "none", message: `preemption: ${reason}` };

  const candidates: Candidate[] = [];
  const reasons: string[] = [];
  for (const verdict of verdicts) {
    const found = verdict.first?.unresolvable
      ? ["Preemption is not helpful for scheduling"]
      : victimsOn(verdict.node, pod, objects, args);
    if (Array.isArray(found)) reasons.push(...found);
    else candidates.push(found);
  }
  if (candidates.length > 0) {
    const choices = leastHarm(candidates).map(({ node, victims }) => ({ node, victims: rankedNames(victims) }));
    return { kind: "nominated", choices };
  }
  const counted = [...new Set(reasons)].map((text) => `${reasons.filter((one) => one === text).length} ${text}`);
  const nodes = objects.nodes.length;
  return { kind: "none", message: `preemption: 0/${nodes} nodes are available: ${counted.sort().join(", ")}.` };
}

function mayNot(pod: Pod, objects: ClusterObjects, verdicts: readonly ReferenceVerdict[]): string | undefined {
  if (pod.spec?.preemptionPolicy === "Never") return "not eligible due to preemptionPolicy=Never.";
  const nominated = pod.status?.nominatedNodeName ?? "";
  const verdict = verdicts.find(({ node }) => node === nominated);
  if (verdict === undefined || verdict.first?.unresolvable) return undefined;
  const isLeaving = podsOnNodes(objects).some(
    (other) =>
      other.spec?.nodeName === nominated &&
      isTerminating(other) &&
      priorityOf(other) < priorityOf(pod) &&
      other.status?.conditions?.some(
        ({ type, status, reason }) =>
          type === "DisruptionTarget" && status === "True" && reason === "PreemptionByScheduler",
      ),
  );
  return isLeaving ? "not eligible due to a terminating pod on the nominated node." : undefined;
}

/** All that are less important leave; then they come back one by one where that still leaves room, those under a spent budget first. */
function victimsOn(node: string, pod: Pod, objects: ClusterObjects, args: PluginArgs): Candidate | string[] {
  const lower = podsOnNodes(objects)
    .filter((other) => other.spec?.nodeName === node && priorityOf(other) < priorityOf(pod) && !isSame(other, pod))
    .sort(byImportance);
  if (lower.length === 0) return ["No preemption victims found for incoming pod"];
  const without = (gone: readonly Pod[]): ReferenceVerdict => {
    const pods = (objects.pods ?? []).filter((other) => !gone.includes(other));
    const verdicts = referenceFilter(pod, { ...objects, pods }, args, objects);
    return verdicts.find((verdict) => verdict.node === node) as ReferenceVerdict;
  };
  const emptied = without(lower);
  if (!emptied.feasible) return [...(emptied.first?.reasons ?? [])];

  const violating = overBudget(lower, objects.podDisruptionBudgets ?? []);
  let gone: readonly Pod[] = lower;
  for (const other of [...violating, ...lower.filter((one) => !violating.includes(one))]) {
    const fewer = gone.filter((one) => one !== other);
    if (without(fewer).feasible) gone = fewer;
  }
  if (gone.length === 0) return ["No preemption victims found for incoming pod"];
  return { node, victims: gone, violations: gone.filter((one) => violating.includes(one)).length };
}

/** Each pod uses up one disruption of each budget that chooses it; who finds none left is over. */
function overBudget(pods: readonly Pod[], budgets: readonly PodDisruptionBudget[]): readonly Pod[] {
  const left = budgets.map(({ status }) => status?.disruptionsAllowed ?? 0);
  return pods.filter((pod) => {
    let isOver = false;
    for (const [i, { metadata, spec, status }] of budgets.entries()) {
      const { matchLabels = {}, matchExpressions = [] } = spec?.selector ?? {};
      const isEmpty = Object.keys(matchLabels).length + matchExpressions.length === 0;
      if (isEmpty || Object.keys(labelsOf(pod)).length === 0) continue;
      if (metadata.namespace !== namespaceOf(pod) || !selects(spec?.selector, labelsOf(pod))) continue;
      // The API server has taken it off already.
      if (status?.disruptedPods?.[nameOf(pod)] !== undefined) continue;
      left[i] = (left[i] as number) - 1;
      if ((left[i] as number) < 0) isOver = true;
    }
    return isOver;
  });
}

/** Fewest budgets broken; lowest highest priority; smallest sum, counted from the lowest there is; fewest; the latest to have started. */
function leastHarm(candidates: readonly Candidate[]): readonly Candidate[] {
  const highest = ({ victims }: Candidate) => Math.max(...victims.map(priorityOf));
  const harms: readonly ((candidate: Candidate) => number)[] = [
    ({ violations }) => violations,
    highest,
    ({ victims }) => victims.reduce((sum, victim) => sum + priorityOf(victim) + 2 ** 31, 0),
    ({ victims }) => victims.length,
    (one) => -Math.min(...one.victims.filter((victim) => priorityOf(victim) === highest(one)).map(startOf)),
  ];
  let best = candidates;
  for (const harm of harms) {
    const least = Math.min(...best.map(harm));
    best = best.filter((candidate) => harm(candidate) === least);
  }
  return best;
}
