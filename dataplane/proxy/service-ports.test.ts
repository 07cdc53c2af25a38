import { describe, expect, test } from "vitest";
import type { EndpointSlice, Service } from "../../controlplane/api/mod.ts";
import { servicePorts } from "./service-ports.ts";

function service(spec: Service["spec"]): Service {
  return { apiVersion: "v1", kind: "Service", metadata: { namespace: "default", name: "web" }, spec };
}

type Conditions = { ready?: boolean; serving?: boolean; terminating?: boolean };

function slice(endpoints: readonly [address: string, node: string, conditions: Conditions][]): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace: "default", name: "web-x", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints: endpoints.map(([address, nodeName, conditions]) => ({ addresses: [address], nodeName, conditions })),
  };
}

const http = { name: "http", port: 80 };
const addresses = (ports: ReturnType<typeof servicePorts>) => ports[0]?.backends.map((backend) => backend.address);

describe("which backends a Service port has", () => {
  test("the ready ones", () => {
    const slices = [
      slice([
        ["10.0.0.1", "a", { ready: true }],
        ["10.0.0.2", "b", { ready: false }],
        ["10.0.0.3", "b", {}],
      ]),
    ];
    expect(addresses(servicePorts([service({ clusterIP: "10.96.0.1", ports: [http] })], slices, "a"))).toEqual([
      "10.0.0.1",
      "10.0.0.3",
    ]);
  });

  test("when none is ready, those that still serve while they terminate", () => {
    const slices = [
      slice([
        ["10.0.0.1", "a", { ready: false, serving: true, terminating: true }],
        ["10.0.0.2", "a", { ready: false, serving: false, terminating: true }],
      ]),
    ];
    expect(addresses(servicePorts([service({ clusterIP: "10.96.0.1", ports: [http] })], slices, "a"))).toEqual([
      "10.0.0.1",
    ]);
  });

  test("those on the node only, under the internal traffic policy Local", () => {
    const slices = [
      slice([
        ["10.0.0.1", "a", {}],
        ["10.0.0.2", "b", {}],
      ]),
    ];
    const local = service({ clusterIP: "10.96.0.1", ports: [http], internalTrafficPolicy: "Local" });
    expect(addresses(servicePorts([local], slices, "b"))).toEqual(["10.0.0.2"]);
  });

  test("none for Services that have no cluster IP", () => {
    const headless = service({ clusterIP: "None", ports: [http] });
    const external = service({ type: "ExternalName", externalName: "example.org", ports: [http] });
    expect(servicePorts([headless, external], [], "a")).toEqual([]);
  });
});
