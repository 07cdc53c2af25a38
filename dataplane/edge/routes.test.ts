import { describe, expect, it } from "vitest";
import type { EndpointSlice, Node, Service } from "../../controlplane/api/mod.ts";
import { doorsOf, hostAddress } from "./doors.ts";
import { edgeRoutes } from "./routes.ts";

const inPool = (address: string) => address.startsWith("172.30.200.");

function node(index: number, more: { ready?: boolean; labels?: Record<string, string>; podCIDR?: string } = {}): Node {
  return {
    metadata: { name: `node-${index}`, labels: more.labels },
    spec: { podCIDR: more.podCIDR ?? `10.244.${index}.0/24` },
    status: {
      addresses: [{ type: "InternalIP", address: `172.30.0.${10 + index}` }],
      conditions: [{ type: "Ready", status: more.ready === false ? "False" : "True" }],
    },
  } as Node;
}

function service(
  address: string,
  policy: "Cluster" | "Local",
  ports: object[] = [{ port: 80, nodePort: 30_080 }],
): Service {
  return {
    metadata: { name: "web", namespace: "shop" },
    spec: { type: "LoadBalancer", externalTrafficPolicy: policy, ports },
    status: { loadBalancer: { ingress: [{ ip: address }] } },
  } as Service;
}

function slice(...endpoints: [nodeName: string, conditions: object][]): EndpointSlice {
  return {
    metadata: { name: "web-1", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    endpoints: endpoints.map(([nodeName, conditions], i) => ({ addresses: [`10.244.0.${i}`], nodeName, conditions })),
  } as EndpointSlice;
}

const balanced = (nodes: Node[], services: Service[], slices: EndpointSlice[] = []) =>
  Object.fromEntries(edgeRoutes(nodes, services, slices, inPool).balanced);

describe("the routes of the edge", () => {
  it("lead to every node's pods, ready or not", () => {
    const nodes = [node(1), node(2, { ready: false }), node(3, { podCIDR: "" })];
    expect([...edgeRoutes(nodes, [], [], inPool).pods]).toEqual([
      ["10.244.1.0/24", "172.30.0.11"],
      ["10.244.2.0/24", "172.30.0.12"],
    ]);
  });

  it("lead to a LoadBalancer's address by every node that is ready and not excluded", () => {
    const excluded = { "node.kubernetes.io/exclude-from-external-load-balancers": "" };
    const nodes = [node(3), node(1), node(2, { ready: false }), node(4, { labels: excluded })];
    expect(balanced(nodes, [service("172.30.200.1", "Cluster")])).toEqual({
      "172.30.200.1": ["172.30.0.11", "172.30.0.13"],
    });
  });

  it("lead, under the Local policy, to nodes with ready endpoints alone", () => {
    const nodes = [node(1), node(2), node(3)];
    const slices = [slice(["node-2", { ready: true }], ["node-3", { ready: false, serving: true, terminating: true }])];
    expect(balanced(nodes, [service("172.30.200.1", "Local")], slices)).toEqual({ "172.30.200.1": ["172.30.0.12"] });
  });

  it("lead, under the Local policy, to nodes whose endpoints still serve when none is ready, and to nobody when none is left", () => {
    const leaving = slice(["node-3", { ready: false, serving: true, terminating: true }]);
    const nodes = [node(1), node(3)];
    expect(balanced(nodes, [service("172.30.200.1", "Local")], [leaving])).toEqual({ "172.30.200.1": ["172.30.0.13"] });
    const gone = slice(["node-3", { ready: false, serving: false, terminating: true }]);
    expect(balanced(nodes, [service("172.30.200.1", "Local")], [gone])).toEqual({ "172.30.200.1": [] });
  });

  it("leave alone addresses that another provider gave", () => {
    expect(balanced([node(1)], [service("172.30.0.11", "Cluster")])).toEqual({});
  });
});

it("the machine reaches TCP ports of LoadBalancers and node ports at every node, at loopback addresses", () => {
  const ports = [
    { port: 80, nodePort: 30_080 },
    { port: 53, nodePort: 30_053, protocol: "UDP" },
  ];
  const doors = doorsOf([node(1), node(2)], [service("172.30.200.7", "Cluster", ports)], inPool);
  expect(doors.map(({ address, port }) => `${hostAddress(address, "127.30")}:${port}`)).toEqual([
    "127.30.0.11:30080",
    "127.30.0.12:30080",
    "127.30.200.7:80",
  ]);
});
