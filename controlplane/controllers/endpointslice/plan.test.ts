import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EndpointSlice, Pod, Service } from "../../api/mod.ts";
import { desiredGroups } from "./desired.ts";
import { desiredEndpoints } from "./endpoints.ts";
import { maxEndpoints, type Plan, plan, sliceLabels } from "./plan.ts";

function service(more: Partial<Service["spec"]> = {}): Service {
  return {
    metadata: { name: "web", namespace: "default", labels: { team: "blue" } },
    spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }], ...more },
  };
}

interface Traits {
  readonly ready?: boolean;
  readonly terminating?: boolean;
  readonly phase?: "Running" | "Failed";
  readonly port?: number;
  readonly ip?: string;
}

function pod(number: number, { ready = true, terminating = false, phase = "Running", port, ip }: Traits = {}): Pod {
  const podIP = ip ?? `10.244.${Math.floor(number / 250)}.${(number % 250) + 1}`;
  const ports = port === undefined ? [] : [{ name: "web", containerPort: port }];
  return {
    metadata: {
      name: `p${number}`,
      namespace: "default",
      uid: `u${number}`,
      deletionTimestamp: terminating ? "2030-01-01T00:00:00Z" : undefined,
    },
    spec: { nodeName: "n1", containers: [{ name: "c", image: "x", ports }] },
    status: { phase, podIP, conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  };
}

function groups(of: Service, pods: readonly Pod[]) {
  return desiredGroups(of, pods, () => undefined);
}

let slices = 0;

/** What is there after the plan. */
function carryOut(of: Service, existing: readonly EndpointSlice[], { create, update, remove }: Plan): EndpointSlice[] {
  const kept = existing.filter((slice) => !remove.includes(slice));
  const updated = kept.map((slice) => update.find(({ metadata }) => metadata.name === slice.metadata.name) ?? slice);
  const created = create.map(({ addressType, ports, endpoints }) => ({
    metadata: { name: `web-${++slices}`, labels: sliceLabels(of) },
    addressType,
    ports: [...ports],
    endpoints: [...endpoints],
  }));
  return [...updated, ...created];
}

describe("an endpoint", () => {
  test.each([
    ["ready", {}, false, { ready: true, serving: true, terminating: false }],
    ["not ready", { ready: false }, false, { ready: false, serving: false, terminating: false }],
    ["terminating, still serving", { terminating: true }, false, { ready: false, serving: true, terminating: true }],
    ["not ready, published all the same", { ready: false }, true, { ready: true, serving: false, terminating: false }],
  ])("%s", (_, traits, publishNotReadyAddresses, conditions) => {
    const [group] = groups(service({ publishNotReadyAddresses }), [pod(1, traits)]);
    expect(group?.endpoints).toMatchObject([{ conditions, targetRef: { kind: "Pod", name: "p1" }, nodeName: "n1" }]);
  });

  test("of a pod that has finished, or has no address yet, does not exist", () => {
    expect(groups(service(), [pod(1, { phase: "Failed" }), pod(2, { ip: "" })])).toEqual([]);
  });

  test("finds its named port; pods that differ in it are grouped apart", () => {
    const named = service({ ports: [{ name: "http", port: 80, targetPort: "web" }] });
    const found = groups(named, [pod(1, { port: 8080 }), pod(2, { port: 9090 }), pod(3, { port: 8080 })]);
    expect(found.map(({ ports, endpoints }) => [ports[0]?.port, endpoints.length])).toEqual([
      [8080, 2],
      [9090, 1],
    ]);
  });
});

describe("slices", () => {
  test("hold a hundred endpoints each", () => {
    const pods = Array.from({ length: 250 }, (_, i) => pod(i));
    const { create } = plan(service(), groups(service(), pods), []);
    expect(create.map(({ endpoints }) => endpoints.length)).toEqual([100, 100, 50]);
  });

  test("one changed endpoint is one write", () => {
    const pods = Array.from({ length: 250 }, (_, i) => pod(i));
    const before = carryOut(service(), [], plan(service(), groups(service(), pods), []));
    pods[120] = pod(120, { ready: false });
    const step = plan(service(), groups(service(), pods), before);
    expect([step.create.length, step.update.length, step.remove.length]).toEqual([0, 1, 0]);
  });

  test("a Service without pods has one that is empty", () => {
    const { create } = plan(service(), [], []);
    expect(create).toEqual([{ addressType: "IPv4", ports: [], endpoints: [] }]);
    const after = carryOut(service(), [], plan(service(), [], []));
    expect(plan(service(), [], after)).toEqual({ create: [], update: [], remove: [] });
  });

  test("carry the Service's labels and say whose they are", () => {
    expect(sliceLabels(service({ clusterIP: "None" }))).toEqual({
      team: "blue",
      "kubernetes.io/service-name": "web",
      "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
      "service.kubernetes.io/headless": "",
    });
  });

  test("whatever pods come, go and change: they hold exactly the wanted endpoints, none twice, and then rest", () => {
    const step = fc.array(fc.record({ number: fc.nat(300), ready: fc.boolean(), port: fc.constantFrom(8080, 9090) }), {
      maxLength: 150,
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 4 }), (steps) => {
        const of = service({ ports: [{ port: 80, targetPort: "web" }] });
        let existing: EndpointSlice[] = [];
        for (const traits of steps) {
          const pods = [...new Map(traits.map((it) => [it.number, pod(it.number, it)])).values()];
          const wanted = groups(of, pods);
          existing = carryOut(of, existing, plan(of, wanted, existing));
          const line = (port: number | undefined, uid: string | undefined, ready: boolean | undefined) =>
            `${port} ${uid} ${ready}`;
          const held = existing.flatMap(({ ports, endpoints }) =>
            (endpoints ?? []).map(({ targetRef, conditions }) =>
              line(ports?.[0]?.port, targetRef?.uid, conditions?.ready),
            ),
          );
          const asked = wanted.flatMap(({ ports, endpoints }) =>
            endpoints.map(({ targetRef, conditions }) => line(ports[0]?.port, targetRef?.uid, conditions?.ready)),
          );
          expect(held.sort()).toEqual(asked.sort());
          for (const { endpoints } of existing) expect(endpoints?.length ?? 0).toBeLessThanOrEqual(maxEndpoints);
          expect(plan(of, wanted, existing), "a second look changes nothing").toEqual({
            create: [],
            update: [],
            remove: [],
          });
        }
      }),
      { numRuns: 30 },
    );
  });
});

test("Endpoints keep ready and unready addresses apart, and leave terminating ones out", () => {
  const pods = [pod(1), pod(2, { ready: false }), pod(3, { terminating: true })];
  const { subsets, truncated } = desiredEndpoints(service(), pods);
  expect(truncated).toBe(false);
  expect(subsets).toMatchObject([
    {
      addresses: [{ ip: "10.244.0.2", targetRef: { name: "p1" } }],
      notReadyAddresses: [{ targetRef: { name: "p2" } }],
      ports: [{ port: 8080, protocol: "TCP" }],
    },
  ]);
});

test("more than a thousand Endpoints addresses are cut off, and it is said", () => {
  const pods = Array.from({ length: 1001 }, (_, i) => pod(i));
  const { subsets, truncated } = desiredEndpoints(service(), pods);
  expect(truncated).toBe(true);
  expect(subsets[0]?.addresses).toHaveLength(1000);
});

test("a Service whose traffic should stay close hints at the zone, or node, of each endpoint that is ready", () => {
  const node = { metadata: { name: "n1", labels: { "topology.kubernetes.io/zone": "a" } }, spec: {} };
  const hints = (trafficDistribution: string) =>
    desiredGroups(service({ trafficDistribution }), [pod(1), pod(2, { ready: false })], () => node).flatMap((group) =>
      group.endpoints.map((endpoint) => endpoint.hints),
    );
  expect(hints("PreferClose")).toEqual([{ forZones: [{ name: "a" }] }, undefined]);
  expect(hints("PreferSameNode")).toEqual([{ forZones: [{ name: "a" }], forNodes: [{ name: "n1" }] }, undefined]);
});
