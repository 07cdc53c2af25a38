import type { IngressClass } from "../types/networking/ingress-class.ts";
import type { NetworkPolicy } from "../types/networking/network-policy.ts";

export function defaultIngressClass({ spec }: IngressClass): void {
  if (spec.parameters !== undefined) spec.parameters.scope ??= "Cluster";
}

export function defaultNetworkPolicy({ spec }: NetworkPolicy): void {
  for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
    for (const port of rule.ports ?? []) port.protocol ??= "TCP";
  }
  if ((spec.policyTypes ?? []).length > 0) return;
  // A policy always closes what comes in; what goes out only when it says something about that.
  spec.policyTypes = (spec.egress ?? []).length > 0 ? ["Ingress", "Egress"] : ["Ingress"];
}
