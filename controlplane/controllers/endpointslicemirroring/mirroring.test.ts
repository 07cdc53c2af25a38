import { afterEach, beforeEach, expect, test } from "vitest";
import type { EndpointSlice, Endpoints } from "../../api/mod.ts";
import { settle } from "../../client/elapse.testing.ts";
import { TestCluster } from "../common/cluster.testing.ts";
import { EndpointSliceMirroringController } from "./controller.ts";

let cluster: TestCluster;
beforeEach(async () => {
  cluster = new TestCluster();
  await cluster.start((context) => new EndpointSliceMirroringController(context));
});
afterEach(() => cluster.stop());

async function setUp(endpoints: Partial<Endpoints> = {}, selector?: Record<string, string>): Promise<void> {
  const ports = [{ port: 80, protocol: "TCP" as const }];
  await cluster.client.services.create({ metadata: { name: "db", namespace: "default" }, spec: { selector, ports } });
  await cluster.client.endpoints.create({
    metadata: { name: "db", namespace: "default", labels: { a: "b" }, ...endpoints.metadata },
    subsets: endpoints.subsets ?? [
      {
        addresses: [{ ip: "192.0.2.1" }],
        notReadyAddresses: [{ ip: "192.0.2.2" }],
        ports: [{ name: "sql", port: 5432, protocol: "TCP" }],
      },
      { addresses: [{ ip: "2001:db8::1" }], ports: [{ name: "sql", port: 5432, protocol: "TCP" }] },
    ],
  });
}

async function slices(): Promise<EndpointSlice[]> {
  await settle();
  const { items } = await cluster.client.endpointSlices.list();
  return items.sort((a, b) => (a.addressType < b.addressType ? -1 : 1));
}

test("Endpoints written by hand become slices, one for each family", async () => {
  await setUp();
  expect(await slices()).toMatchObject([
    {
      addressType: "IPv4",
      metadata: {
        labels: {
          a: "b",
          "kubernetes.io/service-name": "db",
          "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
        },
        ownerReferences: [{ kind: "Endpoints", name: "db" }],
      },
      ports: [{ name: "sql", port: 5432, protocol: "TCP" }],
      endpoints: [
        { addresses: ["192.0.2.1"], conditions: { ready: true } },
        { addresses: ["192.0.2.2"], conditions: { ready: false } },
      ],
    },
    { addressType: "IPv6", endpoints: [{ addresses: ["2001:db8::1"] }] },
  ]);
});

test("slices follow, and go with the last address", async () => {
  await setUp();
  await settle();
  const current = await cluster.client.endpoints.get("default", "db");
  await cluster.client.endpoints.update({
    ...current,
    subsets: [{ ...current.subsets?.[0], addresses: [{ ip: "192.0.2.9" }] }],
  });
  expect((await slices()).map(({ endpoints }) => endpoints?.[0]?.addresses)).toEqual([["192.0.2.9"]]);
  await cluster.client.endpoints.delete("default", "db");
  expect(await slices()).toEqual([]);
});

test.each<[string, Partial<Endpoints>, Record<string, string> | undefined]>([
  ["of a Service with a selector", {}, { app: "db" }],
  [
    "that say so",
    { metadata: { name: "db", namespace: "default", labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } } },
    undefined,
  ],
  [
    "that elect a leader",
    {
      metadata: { name: "db", namespace: "default", annotations: { "control-plane.alpha.kubernetes.io/leader": "{}" } },
    },
    undefined,
  ],
])("Endpoints %s are not mirrored", async (_, endpoints, selector) => {
  await setUp(endpoints, selector);
  expect(await slices()).toEqual([]);
});
