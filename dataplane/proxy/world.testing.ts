import type { EndpointSlice, Service } from "../../controlplane/api/mod.ts";

/** Objects as the API server has them, reduced to what the proxy reads. */
export function service(spec: object, name = "web", status?: object): Service {
  return { apiVersion: "v1", kind: "Service", metadata: { namespace: "default", name }, spec, status } as Service;
}

export interface EndpointCase {
  readonly address: string;
  readonly node: string;
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
  readonly zones?: readonly string[];
  readonly nodes?: readonly string[];
}

export function slice(
  endpoints: readonly EndpointCase[],
  { name = "web", protocol = "TCP", port = 8080, portName = "http" } = {},
): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace: "default", name: `${name}-x`, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ name: portName, port, protocol }],
    endpoints: endpoints.map(({ address, node, ready, serving, terminating, zones, nodes }) => ({
      addresses: [address],
      nodeName: node,
      conditions: { ready, serving, terminating },
      ...((zones ?? nodes) && {
        hints: { forZones: zones?.map((name) => ({ name })), forNodes: nodes?.map((name) => ({ name })) },
      }),
    })),
  } as EndpointSlice;
}
