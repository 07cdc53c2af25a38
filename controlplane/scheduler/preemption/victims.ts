import type { PodDisruptionBudget } from "../../api/mod.ts";
import type { CycleState } from "../framework/cycle-state.ts";
import type { Trial } from "../framework/plugin.ts";
import type { NodeInfo } from "../node-info.ts";
import type { PodInfo } from "../pod-info.ts";
import { splitByBudgets } from "./budgets.ts";

/** Who would have to go so that a pod fits on a node. */
export interface Candidate {
  readonly node: string;
  /** The most important first. Never empty, all of lower priority than the pod. */
  readonly victims: readonly PodInfo[];
  /** How many of them exceed a disruption budget. */
  readonly violations: number;
}

/** Or why nobody's leaving would help. */
export type DryRun = Candidate | { readonly reasons: readonly string[] };

/** When it started; one that has not is younger than all that have. */
export function startOf(pod: PodInfo): number {
  const started = pod.pod.status?.startTime;
  return started === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(started);
}

/** Negative: a is more important. Higher priority, then started earlier. */
export function byImportance(a: PodInfo, b: PodInfo): number {
  return b.priority - a.priority || startOf(a) - startOf(b);
}

/**
 * The fewest pods that must leave `node`: takes all that are less important away, and if the pod fits then, puts them back one by one as long
 * as it still fits: those protected by budgets first, in each group the most important first (default_preemption.go, SelectVictimsOnNode).
 * A sentence: why it cannot be done. `node` and `state` are copies that it may change.
 */
export function selectVictims(
  pod: PodInfo,
  node: NodeInfo,
  budgets: readonly PodDisruptionBudget[],
  state: CycleState,
  trial: Trial,
): DryRun {
  const lower = [...node.pods.values()].filter((other) => other.priority < pod.priority);
  if (lower.length === 0) return { reasons: ["No preemption victims found for incoming pod"] };
  const remove = (other: PodInfo) => {
    node.removePod(other.key);
    trial.removePod(pod, other, node, state);
  };
  for (const other of lower) remove(other);
  const refusal = trial.filter(pod, node, state);
  if (refusal !== undefined) return refusal;

  const victims: PodInfo[] = [];
  const reprieve = (other: PodInfo): boolean => {
    node.addPod(other);
    trial.addPod(pod, other, node, state);
    if (trial.filter(pod, node, state) === undefined) return true;
    remove(other);
    victims.push(other);
    return false;
  };
  const { violating, others } = splitByBudgets(lower.sort(byImportance), budgets);
  let violations = 0;
  for (const other of violating) if (!reprieve(other)) violations++;
  for (const other of others) reprieve(other);
  // All may stay, and the pod fits: then it was not they who kept it away.
  if (victims.length === 0) return { reasons: ["No preemption victims found for incoming pod"] };
  return { node: node.name, victims: victims.sort(byImportance), violations };
}
