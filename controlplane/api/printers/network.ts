import type { Endpoints } from "../types/core/endpoints.ts";
import type { Service } from "../types/core/service.ts";
import type { EndpointSlice } from "../types/discovery.ts";
import { ageColumn, type Column, column, firstThree, joined, labelsText, nameColumn, none, wide } from "./column.ts";

export const serviceColumns: readonly Column<Service>[] = [
  nameColumn,
  column("Type", "How it is reached.", ({ spec }) => spec.type ?? ""),
  column("Cluster-IP", "Its address inside the cluster.", ({ spec }) => spec.clusterIP || none),
  column("External-IP", "Its addresses outside the cluster.", externalIP),
  column("Port(s)", "Its ports, and those of the nodes that lead to it.", ({ spec }) =>
    joined(
      (spec.ports ?? []).map(({ port, nodePort, protocol }) =>
        nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
      ),
    ),
  ),
  ageColumn,
  wide(column("Selector", "Labels of the pods behind it.", ({ spec }) => labelsText(spec.selector))),
];

const maxBalancerText = 16;

function externalIP({ spec, status }: Service): string {
  if (spec.type === "ExternalName") return spec.externalName ?? "";
  const own = spec.externalIPs ?? [];
  if (spec.type !== "LoadBalancer") return joined(own);
  const ingress = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || "");
  let balancer = [...new Set(ingress.filter((address) => address !== ""))].sort().join(",");
  if (balancer.length > maxBalancerText) balancer = `${balancer.slice(0, maxBalancerText - 3)}...`;
  const all = balancer === "" ? own : [balancer, ...own];
  return all.length === 0 ? "<pending>" : all.join(",");
}

export const endpointsColumns: readonly Column<Endpoints>[] = [
  nameColumn,
  column("Endpoints", "Addresses that receive traffic.", ({ subsets }) =>
    firstThree(
      (subsets ?? []).flatMap(({ addresses = [], ports = [] }) =>
        ports.length === 0
          ? addresses.map(({ ip }) => ip)
          : ports.flatMap(({ port }) => addresses.map(({ ip }) => withPort(ip, port))),
      ),
      none,
    ),
  ),
  ageColumn,
];

function withPort(ip: string, port: number): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

export const endpointSliceColumns: readonly Column<EndpointSlice>[] = [
  nameColumn,
  column("AddressType", "What kind of addresses it holds.", ({ addressType }) => addressType),
  column("Ports", "Ports of every endpoint.", ({ ports }) =>
    firstThree(
      (ports ?? []).map(({ port, name }) => (port === undefined ? name || "*" : `${port}`)),
      "<unset>",
    ),
  ),
  column("Endpoints", "Their addresses.", ({ endpoints }) =>
    firstThree(
      (endpoints ?? []).flatMap(({ addresses }) => addresses),
      "<unset>",
    ),
  ),
  ageColumn,
];
