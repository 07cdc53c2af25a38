import { describe, expect, test } from "vitest";
import { type ServicePort, servicePorts } from "./service-ports.ts";
import type { EndpointCase } from "./world.testing.ts";
import { service, slice } from "./world.testing.ts";

const http = { name: "http", port: 80 };
const web = service({ clusterIP: "10.96.0.1", ports: [http] });
const here = { node: "a", zone: "east" };

const ready = (address: string, node: string, more: Partial<EndpointCase> = {}): EndpointCase => ({
  address,
  node,
  ready: true,
  ...more,
});
const leaving = (address: string, node: string): EndpointCase => ({
  address,
  node,
  ready: false,
  serving: true,
  terminating: true,
});

function backends(...endpoints: EndpointCase[]) {
  const [port] = servicePorts([web], [slice(endpoints)], here) as [ServicePort];
  const addresses = (list: ServicePort["cluster"]) => list.map(({ address }) => address);
  return { cluster: addresses(port.cluster), local: addresses(port.local), any: port.any };
}

describe("which backends a Service port has", () => {
  test("the ready ones; unknown readiness is readiness", () => {
    const found = backends(ready("10.0.0.1", "a"), ready("10.0.0.2", "b", { ready: false }), {
      address: "10.0.0.3",
      node: "b",
    });
    expect(found).toEqual({ cluster: ["10.0.0.1", "10.0.0.3"], local: ["10.0.0.1"], any: true });
  });

  test("when none is ready, those that still serve while they terminate", () => {
    const silent = { ...leaving("10.0.0.2", "a"), serving: false };
    expect(backends(leaving("10.0.0.1", "a"), silent).cluster).toEqual(["10.0.0.1"]);
  });

  test("each policy falls back for itself: the node's leaving one counts while another node has ready ones", () => {
    const found = backends(leaving("10.0.0.1", "a"), ready("10.0.0.2", "b"));
    expect(found).toEqual({ cluster: ["10.0.0.2"], local: ["10.0.0.1"], any: true });
  });

  test("an endpoint that two slices list is one, as the slice says that knows it better", () => {
    const slices = [slice([ready("10.0.0.1", "a", { ready: false })]), slice([ready("10.0.0.1", "a")])];
    for (const order of [slices, [...slices].reverse()])
      expect(servicePorts([web], order, here)[0]?.cluster).toHaveLength(1);
  });

  test("nobody at all is not the same as nobody here", () => {
    expect(backends().any).toBe(false);
    expect(backends(ready("10.0.0.1", "b"))).toEqual({ cluster: ["10.0.0.1"], local: [], any: true });
  });
});

describe("hints", () => {
  test("keep traffic in the zone when every ready endpoint has some and one is for the zone", () => {
    const [east, west] = [{ zones: ["east"] }, { zones: ["west"] }];
    expect(backends(ready("10.0.0.1", "a", west), ready("10.0.0.2", "b", east)).cluster).toEqual(["10.0.0.2"]);
    expect(backends(ready("10.0.0.1", "a", west), ready("10.0.0.2", "b", west)).cluster).toHaveLength(2);
    expect(backends(ready("10.0.0.1", "a"), ready("10.0.0.2", "b", east)).cluster).toHaveLength(2);
  });

  test("for the node go before those for the zone", () => {
    const mine = { zones: ["east"], nodes: ["a"] };
    const other = { zones: ["east"], nodes: ["b"] };
    expect(backends(ready("10.0.0.1", "a", mine), ready("10.0.0.2", "b", other)).cluster).toEqual(["10.0.0.1"]);
  });
});

describe("where a Service is reached", () => {
  test("at no address of ours when it is headless, a name elsewhere, or of IPv6", () => {
    const headless = service({ clusterIP: "None", ports: [http] });
    const external = service({ type: "ExternalName", externalName: "example.org", ports: [http] });
    const six = service({ clusterIP: "fd00::1", ports: [http] });
    expect(servicePorts([headless, external, six], [], here)).toEqual([]);
  });

  test("at the addresses of its load balancer, unless that connects by itself", () => {
    const ingress = [
      { ip: "172.30.200.1" },
      { ip: "172.30.200.2", ipMode: "VIP" },
      { ip: "172.30.200.3", ipMode: "Proxy" },
      { hostname: "lb.example.org" },
    ];
    const spec = { type: "LoadBalancer", clusterIP: "10.96.0.1", ports: [http] };
    const balanced = service(spec, "web", { loadBalancer: { ingress } });
    expect(servicePorts([balanced], [], here)[0]?.loadBalancerIPs).toEqual(["172.30.200.1", "172.30.200.2"]);
    const once = service({ ...spec, type: "ClusterIP" }, "web", { loadBalancer: { ingress } });
    expect(servicePorts([once], [], here)[0]?.loadBalancerIPs).toEqual([]);
  });
});
