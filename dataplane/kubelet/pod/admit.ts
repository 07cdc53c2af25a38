import { type Node, type NodeSelectorTerm, type Pod, Quantity } from "../../../controlplane/api/mod.ts";
import { podRequests } from "./resources.ts";

export interface Rejection {
  /** For example `OutOfcpu`. */
  readonly reason: string;
  readonly message: string;
}

/** Whether this node takes a pod that was bound to it, given those it has taken (pkg/kubelet/lifecycle/predicate.go). Undefined: it does. */
export function admit(pod: Pod, node: Node, others: readonly Pod[]): Rejection | undefined {
  const os = pod.spec.os?.name;
  if (os !== undefined && os !== (node.metadata.labels?.["kubernetes.io/os"] ?? "linux")) {
    return { reason: "PodOSNotSupported", message: "Failed to admit pod as the OS field doesn't match node OS" };
  }
  const allocatable = node.status?.allocatable ?? {};
  const used = others
    .map(podRequests)
    .reduce((a, b) => ({ cpu: a.cpu + b.cpu, memory: a.memory + b.memory }), { cpu: 0, memory: 0 });
  const wanted = podRequests(pod);
  const shortages: [name: string, requested: number, used: number, capacity: number][] = [
    ["pods", 1, others.length, Quantity.of(allocatable.pods).value()],
    ["cpu", wanted.cpu, used.cpu, Quantity.of(allocatable.cpu).milliValue()],
    ["memory", wanted.memory, used.memory, Quantity.of(allocatable.memory).value()],
  ];
  for (const [name, requested, inUse, capacity] of shortages) {
    if (requested === 0 || requested + inUse <= capacity) continue;
    return {
      reason: `OutOf${name}`,
      message: `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${inUse}, capacity: ${capacity}`,
    };
  }
  if (!matchesNode(pod, node)) {
    return {
      reason: "NodeAffinity",
      message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    };
  }
  return undefined;
}

function matchesNode(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  for (const [key, value] of Object.entries(pod.spec.nodeSelector ?? {})) if (labels[key] !== value) return false;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

/** All requirements of a term hold; an empty term matches nothing. */
function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const labels = node.metadata.labels ?? {};
  return (
    matchExpressions.every(({ key, operator, values = [] }) => holds(operator, labels[key], values)) &&
    matchFields.every(
      ({ key, operator, values = [] }) => key === "metadata.name" && holds(operator, node.metadata.name, values),
    )
  );
}

function holds(operator: string, value: string | undefined, values: readonly string[]): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return value !== undefined && Number(value) > Number(values[0]);
    case "Lt":
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}
