import { equalJson } from "../schema/equal.ts";
import type { ServiceSpec } from "../types/core/service.ts";
import { isExternallyAccessible, needsHealthCheck } from "../validation/service.ts";

const hasAddress = ({ type }: ServiceSpec) => type !== "ExternalName";
const hasNodePorts = ({ type }: ServiceSpec) => type === "NodePort" || type === "LoadBalancer";
const isBalanced = ({ type }: ServiceSpec) => type === "LoadBalancer";

/** What only Services of certain types have. */
const typed: readonly {
  readonly fields: readonly (keyof ServiceSpec)[];
  readonly isFor: (spec: ServiceSpec) => boolean;
}[] = [
  { fields: ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"], isFor: hasAddress },
  { fields: ["healthCheckNodePort"], isFor: needsHealthCheck },
  { fields: ["allocateLoadBalancerNodePorts", "loadBalancerClass"], isFor: isBalanced },
  { fields: ["externalTrafficPolicy"], isFor: isExternallyAccessible },
];

/**
 * A Service that changes its type loses what it cannot have any more, unless its user says otherwise, who then hears what is wrong:
 * a patch of the type alone must do.
 */
export function dropWithType(next: ServiceSpec, old: ServiceSpec): void {
  for (const { fields, isFor } of typed) {
    if (!isFor(old) || isFor(next)) continue;
    for (const field of fields) if (equalJson(next[field], old[field])) delete next[field];
  }
  if (!hasNodePorts(old) || hasNodePorts(next)) return;
  const ports = ({ ports = [] }: ServiceSpec) => ports.map(({ nodePort }) => nodePort ?? 0);
  if (equalJson(ports(next), ports(old))) for (const port of next.ports ?? []) delete port.nodePort;
}

/** What the server allocated stays when an update leaves it out, so that `kubectl replace` need not know it. */
export function keepAllocated(next: ServiceSpec, old: ServiceSpec): void {
  // Who changed one of the two fields meant both.
  if (next.clusterIP !== old.clusterIP && equalJson(next.clusterIPs, old.clusterIPs)) delete next.clusterIPs;
  alignAddresses(next);
  if (!hasAddress(next) || !hasAddress(old)) return;
  next.clusterIP ??= old.clusterIP;
  next.clusterIPs ??= old.clusterIPs;
  next.ipFamilies ??= old.ipFamilies;
  next.ipFamilyPolicy ??= old.ipFamilyPolicy;
  for (const field of ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] as const) {
    if (next[field] === undefined) delete next[field];
  }
  if (needsHealthCheck(next) && needsHealthCheck(old) && old.healthCheckNodePort !== undefined) {
    next.healthCheckNodePort ??= old.healthCheckNodePort;
  }
  if (!hasNodePorts(next)) return;
  for (const port of next.ports ?? []) {
    const before = old.ports?.find((other) => other.port === port.port && other.protocol === port.protocol);
    if (before?.nodePort !== undefined) port.nodePort ??= before.nodePort;
  }
}

/** The address is there twice: clients that know one of the fields need not know the other. */
export function alignAddresses(spec: ServiceSpec): void {
  if (spec.clusterIP && spec.clusterIPs === undefined) spec.clusterIPs = [spec.clusterIP];
}
