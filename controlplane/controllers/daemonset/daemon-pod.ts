import {
  type DaemonSet,
  matchesNodeSelector,
  type Node,
  type Pod,
  type PodSpec,
  type Toleration,
  tolerates,
} from "../../api/mod.ts";
import { controllerReference } from "../common/owners.ts";
import { podFromTemplate } from "../common/pod-control.ts";

export const hashLabel = "controller-revision-hash";

/** Daemons stay where other pods would be driven away, and go where others would not be put. */
const everywhere: readonly Toleration[] = [
  { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/disk-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/pid-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" },
];
const withoutNetwork: Toleration = {
  key: "node.kubernetes.io/network-unavailable",
  operator: "Exists",
  effect: "NoSchedule",
};

function tolerationsOf(spec: PodSpec): Toleration[] {
  const added = spec.hostNetwork ? [...everywhere, withoutNetwork] : everywhere;
  const own = (spec.tolerations ?? []).filter(
    (mine) =>
      !added.some(
        ({ key, effect, operator }) => mine.key === key && mine.effect === effect && mine.operator === operator,
      ),
  );
  return [...own, ...added];
}

/** A pod for one node: the scheduler finds it by the node's name alone, since the rest was judged here. */
export function podFor(set: DaemonSet, hash: string, nodeName: string): Pod {
  const pod = podFromTemplate(set, controllerReference(set, "apps/v1", "DaemonSet"), set.spec.template);
  const { affinity } = pod.spec;
  const requiredDuringSchedulingIgnoredDuringExecution = {
    nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In" as const, values: [nodeName] }] }],
  };
  return {
    ...pod,
    metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, [hashLabel]: hash } },
    spec: {
      ...pod.spec,
      tolerations: tolerationsOf(pod.spec),
      affinity: {
        ...affinity,
        nodeAffinity: { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution },
      },
    },
  };
}

/** The node that a daemon's pod is on, or was made for. */
export function nodeOf({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  for (const { matchFields = [] } of required?.nodeSelectorTerms ?? []) {
    const [field] = matchFields;
    if (matchFields.length === 1 && field?.key === "metadata.name" && field.values?.length === 1)
      return field.values[0];
  }
  return undefined;
}

export interface Eligibility {
  /** A pod is to be there. */
  readonly shouldRun: boolean;
  /** A pod that is there may stay: taints that only keep pods from coming do not drive them away. */
  readonly mayStay: boolean;
}

/** The scheduler's predicates that depend on nothing but the node: name, selector and affinity, taints. */
export function eligibility(set: DaemonSet, node: Node): Eligibility {
  const spec = set.spec.template.spec ?? { containers: [] };
  const labels = node.metadata.labels ?? {};
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const fits =
    (!spec.nodeName || spec.nodeName === node.metadata.name) &&
    Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value) &&
    (required === undefined || matchesNodeSelector(required, node));
  if (!fits) return { shouldRun: false, mayStay: false };
  const tolerations = tolerationsOf(spec);
  const hostile = (node.spec?.taints ?? []).filter(
    (taint) => taint.effect !== "PreferNoSchedule" && !tolerates(tolerations, taint),
  );
  return { shouldRun: hostile.length === 0, mayStay: hostile.every(({ effect }) => effect !== "NoExecute") };
}
