import type { Ingress } from "../types/networking/ingress.ts";
import type { IngressClass } from "../types/networking/ingress-class.ts";
import type { NetworkPolicy } from "../types/networking/network-policy.ts";
import type { IPAddress, ServiceCIDR } from "../types/networking/service-cidr.ts";
import {
  ageColumn,
  type Column,
  classNameColumn,
  column,
  firstThree,
  nameColumn,
  none,
  selectorText,
} from "./column.ts";

export const ingressColumns: readonly Column<Ingress>[] = [
  nameColumn,
  column("Class", "Class of the controller that carries it out.", ({ spec }) => spec.ingressClassName ?? none),
  column("Hosts", "Names it answers to.", ({ spec }) =>
    firstThree(
      (spec.rules ?? []).flatMap(({ host }) => host || []),
      "*",
    ),
  ),
  column("Address", "Where it is reached.", ({ status }) => {
    const addresses = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || "");
    return [...new Set(addresses.filter((address) => address !== ""))].sort().join(",");
  }),
  column("Ports", "443 too where it has certificates.", ({ spec }) => ((spec.tls ?? []).length > 0 ? "80, 443" : "80")),
  ageColumn,
];

export const ingressClassColumns: readonly Column<IngressClass>[] = [
  classNameColumn("ingressclass.kubernetes.io/is-default-class"),
  column("Controller", "Who carries out its Ingresses.", ({ spec }) => spec.controller ?? ""),
  column("Parameters", "Where the controller reads more.", ({ spec: { parameters } }) => {
    if (parameters === undefined) return none;
    const { kind, apiGroup, name } = parameters;
    return `${kind}${apiGroup === undefined ? "" : `.${apiGroup}`}/${name}`;
  }),
  ageColumn,
];

export const networkPolicyColumns: readonly Column<NetworkPolicy>[] = [
  nameColumn,
  column("Pod-Selector", "Labels of the pods it is about.", ({ spec }) => selectorText(spec.podSelector)),
  ageColumn,
];

export const ipAddressColumns: readonly Column<IPAddress>[] = [
  nameColumn,
  column("ParentRef", "What uses it.", ({ spec: { parentRef } }) => {
    if (parentRef === undefined) return none;
    const { group, resource, namespace, name } = parentRef;
    const type = group ? `${resource}.${group}` : resource;
    return [type.toLowerCase(), ...(namespace ? [namespace] : []), name].join("/");
  }),
];

export const serviceCIDRColumns: readonly Column<ServiceCIDR>[] = [
  nameColumn,
  column("CIDRs", "Its ranges.", ({ spec }) => (spec.cidrs ?? []).join(",")),
  ageColumn,
];
