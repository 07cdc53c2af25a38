import type { Pod, PodDisruptionBudget } from "../../api/mod.ts";
import type { Cluster } from "../cluster.ts";
import { histogram } from "../fit-message.ts";
import type { CycleState } from "../framework/cycle-state.ts";
import type { Plugin, PostFilterResult, Trial } from "../framework/plugin.ts";
import type { NodeInfo } from "../node-info.ts";
import type { PodInfo } from "../pod-info.ts";
import { pickCandidate } from "../preemption/pick.ts";
import { type Candidate, type DryRun, selectVictims } from "../preemption/victims.ts";
import type { Refusals } from "../refusals.ts";

export interface DefaultPreemptionArgs {
  /** How many candidates are looked for: this share of the nodes, and at least so many. Defaults 10 and 100. */
  readonly minCandidateNodesPercentage?: number;
  readonly minCandidateNodesAbsolute?: number;
}

const isHopeless = ["Preemption is not helpful for scheduling"];

function leavesForPreemption(pod: Pod): boolean {
  if (pod.metadata.deletionTimestamp === undefined) return false;
  const target = pod.status?.conditions?.find(({ type }) => type === "DisruptionTarget");
  return target?.status === "True" && target.reason === "PreemptionByScheduler";
}

/** Why the pod may not preempt now. */
function ineligible(pod: PodInfo, refusals: Refusals, cluster: Cluster): string | undefined {
  if (pod.pod.spec?.preemptionPolicy === "Never") return "not eligible due to preemptionPolicy=Never.";
  const nominated = pod.pod.status?.nominatedNodeName ?? "";
  if (nominated === "" || refusals.of(nominated)?.unresolvable === true) return undefined;
  // Its victims are still leaving: no others need to.
  for (const other of cluster.node(nominated)?.pods.values() ?? []) {
    if (other.priority < pod.priority && leavesForPreemption(other.pod)) {
      return "not eligible due to a terminating pod on the nominated node.";
    }
  }
  return undefined;
}

/** What it would take on one node. Pods of one template ask the same of nodes that have not changed. */
function dryRun(
  pod: PodInfo,
  node: NodeInfo,
  budgets: readonly PodDisruptionBudget[],
  cluster: Cluster,
  state: CycleState,
  trial: Trial,
): DryRun {
  const { signature } = state;
  const { priority } = pod;
  const isLocal = signature !== undefined && budgets.length === 0 && cluster.nominations.onNode(node.name).length === 0;
  if (!isLocal) return selectVictims(pod, node.clone(), budgets, state.clone(), trial);
  if (node.preemption?.signature !== signature || node.preemption.priority !== priority) {
    const found = selectVictims(pod, node.clone(), budgets, state.clone(), trial);
    node.preemption = { signature, priority, found };
  }
  return node.preemption.found;
}

/**
 * Makes room for a pod that fits nowhere, by removing pods of lower priority from one node, the one where it hurts least
 * (plugins/defaultpreemption). Looks only; who carries it out is the scheduler.
 */
export function defaultPreemption(args: DefaultPreemptionArgs = {}): Plugin {
  const { minCandidateNodesPercentage: percentage = 10, minCandidateNodesAbsolute: absolute = 100 } = args;
  return {
    name: "DefaultPreemption",
    postFilter(pod, refusals, cluster, state, trial): PostFilterResult {
      const reason = ineligible(pod, refusals, cluster);
      if (reason !== undefined) return { kind: "none", message: `preemption: ${reason}`, nomination: "keep" };
      const potential = refusals.resolvable();
      const enough = Math.min(potential.length, Math.max(Math.floor((potential.length * percentage) / 100), absolute));
      const offset = potential.length === 0 ? 0 : trial.random.below(potential.length);
      const budgets = [...cluster.objects.budgets()];
      const candidates: Candidate[] = [];
      let harmless = 0;
      const failures: (readonly string[])[] = [];
      for (let i = 0; i < potential.length; i++) {
        // Enough to choose from, and one among them breaks no budget.
        if (candidates.length >= enough && harmless > 0) break;
        const node = potential[(offset + i) % potential.length] as NodeInfo;
        const found = dryRun(pod, node, budgets, cluster, state, trial);
        if ("reasons" in found) failures.push(found.reasons);
        else {
          candidates.push(found);
          if (found.violations === 0) harmless++;
        }
      }
      const best = pickCandidate(candidates);
      if (best !== undefined) return { kind: "nominated", node: best.node, victims: best.victims };
      const hopeless = cluster.nodeCount - failures.length;
      for (let i = 0; i < hopeless; i++) failures.push(isHopeless);
      const message = `preemption: 0/${cluster.nodeCount} nodes are available: ${histogram(failures)}.`;
      return { kind: "none", message, nomination: "clear" };
    },
  };
}
