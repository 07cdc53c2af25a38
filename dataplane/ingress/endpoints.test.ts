import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EndpointConditions, EndpointSlice, Service, ServiceBackendPort } from "../../controlplane/api/mod.ts";
import { Balancer, type Endpoint, endpointsOf, servicePortOf } from "./endpoints.ts";

const service: Service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "a", namespace: "shop" },
  spec: {
    ports: [
      { name: "web", port: 80, targetPort: 8080, protocol: "TCP" },
      { name: "dns", port: 53, targetPort: 53, protocol: "UDP" },
    ],
  },
};

function slice(...endpoints: readonly [address: string, conditions: EndpointConditions][]): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    addressType: "IPv4",
    metadata: { name: "a-1", namespace: "shop" },
    endpoints: endpoints.map(([address, conditions]) => ({ addresses: [address], conditions })),
    ports: [
      { name: "metrics", port: 9090, protocol: "TCP" },
      { name: "web", port: 8080, protocol: "TCP" },
    ],
  };
}

describe("endpoints", () => {
  const terminating = { ready: false, serving: true, terminating: true };
  const of = (port: ServiceBackendPort, slices: EndpointSlice[]) => {
    const found = servicePortOf(service, port);
    return found && endpointsOf(found, slices);
  };
  const addresses = (...slices: EndpointSlice[]) =>
    of({ number: 80 }, slices)?.map(({ address, port }) => `${address}:${port}`);

  it("are the ready ones of the named port, whether the Ingress names it or gives its number", () => {
    const one = slice(["10.0.0.2", { ready: true }], ["10.0.0.1", {}], ["10.0.0.3", { ready: false }]);
    expect(addresses(one)).toEqual(["10.0.0.1:8080", "10.0.0.2:8080"]);
    expect(of({ name: "web" }, [one])).toEqual(of({ number: 80 }, [one]));
  });

  it("are those that serve while they terminate, when none is ready", () => {
    expect(addresses(slice(["10.0.0.1", terminating], ["10.0.0.2", { ready: true }]))).toEqual(["10.0.0.2:8080"]);
    expect(addresses(slice(["10.0.0.1", terminating], ["10.0.0.2", { ready: false }]))).toEqual(["10.0.0.1:8080"]);
  });

  it("are unknown for a port that the Service does not have, or not for TCP", () => {
    expect(of({ number: 8080 }, [])).toBeUndefined();
    expect(of({ name: "dns" }, [])).toBeUndefined();
    expect(of({ name: "web" }, [])).toEqual([]);
  });
});

describe("the balancer", () => {
  const three: Endpoint[] = [1, 2, 3].map((port) => ({ address: "10.0.0.1", port }));

  it("never picks an endpoint while another has fewer requests under way", () => {
    // A number below 3 ends a request at that endpoint, if it has one; the others begin one.
    fc.assert(
      fc.property(fc.array(fc.nat(5), { maxLength: 60 }), (steps) => {
        const balancer = new Balancer();
        for (const step of steps) {
          const ending = three[step];
          if (ending !== undefined) {
            if (balancer.outstanding(ending) > 0) balancer.release(ending);
            continue;
          }
          const fewest = Math.min(...three.map((it) => balancer.outstanding(it)));
          const picked = balancer.pick(three);
          expect(balancer.outstanding(picked)).toBe(fewest + 1);
        }
      }),
    );
  });

  it("takes turns among equals, and leaves out what was tried unless everything was", () => {
    const balancer = new Balancer();
    const picked = [1, 2, 3].map(() => {
      const endpoint = balancer.pick(three);
      balancer.release(endpoint);
      return endpoint.port;
    });
    expect(picked.sort()).toEqual([1, 2, 3]);
    expect(balancer.pick(three, new Set(["10.0.0.1:1", "10.0.0.1:3"])).port).toBe(2);
    expect(balancer.pick([three[1] as Endpoint], new Set(["10.0.0.1:2"])).port).toBe(2);
  });
});
