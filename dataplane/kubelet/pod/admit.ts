import {
  matchesNodeSelector,
  type Node,
  type Pod,
  podTotals,
  Quantity,
  tolerates,
} from "../../../controlplane/api/mod.ts";
import { isStatic } from "../staticpods/manifest.ts";
import { type HostPort, hostPortsOf, portsConflict } from "./host-ports.ts";
import { isHostNetwork } from "./pod-ref.ts";

export interface Rejection {
  /** For example `OutOfcpu`. */
  readonly reason: string;
  readonly message: string;
}

/** Kernel parameters of a namespace of its own, which one pod can set without another noticing (pkg/kubelet/sysctl). */
const safeSysctls: ReadonlySet<string> = new Set([
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.ping_group_range",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_wmem",
]);

/** Whether this node takes a pod that was bound to it, given those it has taken (pkg/kubelet/lifecycle/predicate.go). Undefined: it does. */
export function admit(pod: Pod, node: Node, others: readonly Pod[]): Rejection | undefined {
  return (
    refusedSystem(pod, node) ?? refusedSysctl(pod) ?? shortage(pod, node, others) ?? refusedPlace(pod, node, others)
  );
}

function refusedSystem(pod: Pod, node: Node): Rejection | undefined {
  const os = pod.spec.os?.name;
  const own = node.metadata.labels?.["kubernetes.io/os"] ?? "linux";
  if (os !== undefined && os !== own)
    return { reason: "PodOSNotSupported", message: "Failed to admit pod as the OS field doesn't match node OS" };
  const wanted = pod.spec.nodeSelector?.["kubernetes.io/os"];
  if (wanted === undefined || wanted === own) return undefined;
  return {
    reason: "PodOSSelectorNodeLabelDoesNotMatch",
    message: "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label",
  };
}

function refusedSysctl(pod: Pod): Rejection | undefined {
  for (const { name } of pod.spec.securityContext?.sysctls ?? []) {
    const plain = name.replaceAll("/", ".");
    const outside = plain.startsWith("net.") && isHostNetwork(pod);
    if (!outside && safeSysctls.has(plain)) continue;
    const message = outside
      ? `forbidden sysctl: "${plain}" not allowed with host net enabled`
      : `forbidden sysctl: "${plain}" not allowlisted`;
    return { reason: "SysctlForbidden", message };
  }
  return undefined;
}

/** The first resource the node has too little of. CPU counts in thousandths, everything else in units. */
export function shortage(pod: Pod, node: Node, others: readonly Pod[]): Rejection | undefined {
  const allocatable = node.status?.allocatable ?? {};
  const count = (name: string, quantity: Quantity) => (name === "cpu" ? quantity.milliValue() : quantity.value());
  const used = new Map<string, number>();
  for (const other of others) {
    for (const [name, quantity] of podTotals(other.spec, "requests"))
      used.set(name, (used.get(name) ?? 0) + count(name, quantity));
  }
  const wanted: [string, number][] = [
    ["pods", 1],
    ...[...podTotals(pod.spec, "requests")].map(([name, quantity]): [string, number] => [name, count(name, quantity)]),
  ];
  used.set("pods", others.length);
  for (const [name, requested] of wanted) {
    // What this node does not know of is for the scheduler, or for an extender, to have looked at.
    if (requested === 0 || (allocatable[name] === undefined && name.includes("/"))) continue;
    const capacity = count(name, Quantity.of(allocatable[name]));
    const inUse = used.get(name) ?? 0;
    if (requested + inUse <= capacity) continue;
    return {
      reason: `OutOf${name}`,
      message: `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${inUse}, capacity: ${capacity}`,
    };
  }
  return undefined;
}

function refusedPlace(pod: Pod, node: Node, others: readonly Pod[]): Rejection | undefined {
  const labels = node.metadata.labels ?? {};
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const matches =
    Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value) &&
    (required === undefined || matchesNodeSelector(required, node));
  if (!matches) {
    const message = "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector";
    return { reason: "NodeAffinity", message };
  }
  const ports = hostPortsOf(pod);
  const taken = (own: HostPort) => others.some((other) => hostPortsOf(other).some((one) => portsConflict(own, one)));
  if (ports.some(taken)) {
    const message = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports";
    return { reason: "NodePorts", message };
  }
  const taints = (node.spec.taints ?? []).filter(({ effect }) => effect === "NoExecute");
  if (!isStatic(pod) && taints.some((taint) => !tolerates(pod.spec.tolerations ?? [], taint))) {
    const message = "Predicate TaintToleration failed: node(s) had untolerated taint(s)";
    return { reason: "TaintToleration", message };
  }
  return undefined;
}
