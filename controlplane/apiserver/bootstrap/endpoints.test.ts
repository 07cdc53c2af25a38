import { describe, expect, test } from "vitest";
import { TestApi } from "../api.testing.ts";
import { MemoryStore } from "../storage/memory-store.ts";
import { KubernetesEndpoints } from "./endpoints.ts";
import { ServerIdentity } from "./identity.ts";

async function serverAt(store: MemoryStore, identity: string, address: string) {
  const api = await TestApi.open(store);
  const { registry, writer } = api.core;
  const endpoints = new KubernetesEndpoints({ store, registry, writer, identity, address, port: 6443 });
  return { api, endpoints };
}

async function addresses(api: TestApi): Promise<string[]> {
  const slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes";
  const { body: slice } = await api.request("GET", slices);
  const { body: endpoints } = await api.request("GET", "/api/v1/namespaces/default/endpoints/kubernetes");
  const listed = slice.endpoints.map((endpoint: { addresses: string[] }) => endpoint.addresses[0]);
  expect(endpoints.subsets[0].addresses.map(({ ip }: { ip: string }) => ip)).toEqual(listed);
  return listed;
}

describe("the Service kubernetes leads", () => {
  test("to every server that lives, each once", async () => {
    const store = new MemoryStore();
    const a = await serverAt(store, "a", "10.0.0.2");
    const b = await serverAt(store, "b", "10.0.0.1");
    await a.endpoints.reconcile();
    await b.endpoints.reconcile();
    expect(await addresses(a.api)).toEqual(["10.0.0.1", "10.0.0.2"]);
    await b.endpoints.leave();
    expect(await addresses(a.api)).toEqual(["10.0.0.2"]);
  });

  test("still here when a server behind the same address leaves", async () => {
    const store = new MemoryStore();
    const a = await serverAt(store, "a", "172.30.0.1");
    const b = await serverAt(store, "b", "172.30.0.1");
    await a.endpoints.reconcile();
    await b.endpoints.reconcile();
    await a.endpoints.leave();
    expect(await addresses(b.api)).toEqual(["172.30.0.1"]);
  });

  test("to the last server for ever: without an address nobody could try again", async () => {
    const a = await serverAt(new MemoryStore(), "a", "10.0.0.1");
    await a.endpoints.reconcile();
    await a.endpoints.leave();
    await a.endpoints.reconcile();
    expect(await addresses(a.api)).toEqual(["10.0.0.1"]);
  });
});

test("a server's Lease keeps its name over a restart, and tells when others are gone for good", async () => {
  const api = await TestApi.open();
  const { registry, writer } = api.core;
  const identityAt = (port: number) =>
    new ServerIdentity({ registry, writer, host: "box", port, now: () => api.clock.now() });
  const [first, again, other] = [identityAt(6443), identityAt(6443), identityAt(7443)];
  expect(again.name).toBe(first.name);
  expect(first.name).toMatch(/^apiserver-[a-z2-7]{26}$/);
  await first.renew();
  await other.renew();
  const { body } = await api.request("GET", `/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/${first.name}`);
  expect(body.metadata.labels["apiserver.kubernetes.io/identity"]).toBe("kube-apiserver");
  api.clock.advance(3_500_000);
  await again.renew();
  api.clock.advance(101_000);
  expect(await again.expired()).toEqual([other.name]);
});
