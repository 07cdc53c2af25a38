import { describe, expect, test } from "vitest";
import { TestApi } from "../api.testing.ts";
import { MemoryStore } from "../storage/memory-store.ts";
import { Bitmap } from "./bitmap.ts";

const services = "/api/v1/namespaces/default/services";
const service = (name: string, spec: object = {}) => ({ metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });

describe("cluster IPs and node ports", () => {
  test("are unique, also when several servers of one store hand them out at once", async () => {
    const store = new MemoryStore();
    const servers = [await TestApi.open(store), await TestApi.open(store)];
    const created = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        (servers[i % 2] as TestApi).request("POST", services, service(`s${i}`, { type: "NodePort" })),
      ),
    );
    expect(created.map(({ code }) => code)).toEqual(created.map(() => 201));
    expect(new Set(created.map(({ body }) => body.spec.clusterIP)).size).toBe(40);
    expect(new Set(created.map(({ body }) => body.spec.ports[0].nodePort)).size).toBe(40);
  });

  test("a number asked for is given once, and given back with its Service", async () => {
    const api = await TestApi.open();
    const wanted = { clusterIP: "10.96.0.50" };
    expect((await api.request("POST", services, service("a", wanted))).code).toBe(201);
    expect((await api.request("POST", services, service("b", wanted))).body.message).toBe(
      'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.50"]: failed to allocate IP 10.96.0.50: provided IP is already allocated',
    );
    await api.request("DELETE", `${services}/a`);
    expect((await api.request("POST", services, service("b", wanted))).code).toBe(201);
    expect((await api.request("POST", services, service("c", { clusterIP: "10.97.0.1" }))).body.message).toContain(
      "the provided IP (10.97.0.1) is not in the valid range. The range of valid IPs is 10.96.0.0/24",
    );
    const outside = service("d", { type: "NodePort", ports: [{ port: 80, nodePort: 80 }] });
    expect((await api.request("POST", services, outside)).body.message).toContain(
      "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-30063",
    );
  });

  test("a balancer for local endpoints gets a port for their health, and gives it back with its type", async () => {
    const api = await TestApi.open();
    const local = { type: "LoadBalancer", externalTrafficPolicy: "Local" };
    const { body } = await api.request("POST", services, service("a", local));
    const port = body.spec.healthCheckNodePort;
    expect(port).toBeGreaterThanOrEqual(30_000);
    expect(port).not.toBe(body.spec.ports[0].nodePort);
    const taken = { type: "NodePort", ports: [{ port: 80, nodePort: port }] };
    expect((await api.request("POST", services, service("b", taken))).code).toBe(422);

    const { body: internal } = await api.request("PATCH", `${services}/a`, { spec: { type: "ClusterIP" } });
    expect(internal.spec).not.toHaveProperty("healthCheckNodePort");
    expect(internal.spec).not.toHaveProperty("externalTrafficPolicy");
    expect(internal.spec.ports[0]).not.toHaveProperty("nodePort");
    expect((await api.request("POST", services, service("b", taken))).code).toBe(201);
  });

  test("addresses of a family that the cluster does not have are refused", async () => {
    const api = await TestApi.open();
    expect((await api.request("POST", services, service("a", { ipFamilies: ["IPv6"] }))).body.message).toBe(
      'Service "a" is invalid: spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
    );
    expect((await api.request("POST", services, service("a", { ipFamilyPolicy: "RequireDualStack" }))).code).toBe(422);
  });

  test("a creation that fails, or only pretends, takes nothing", async () => {
    const api = await TestApi.open();
    await api.request("POST", services, service("a", { clusterIP: "10.96.0.50" }));
    expect((await api.request("POST", services, service("a", { clusterIP: "10.96.0.51" }))).code).toBe(409);
    expect((await api.request("POST", `${services}?dryRun=All`, service("b", { clusterIP: "10.96.0.51" }))).code).toBe(
      201,
    );
    expect((await api.request("POST", services, service("c", { clusterIP: "10.96.0.51" }))).code).toBe(201);
  });

  test("applying a manifest without numbers keeps those the Service has; turning it into ClusterIP frees the port", async () => {
    const api = await TestApi.open();
    const { body } = await api.request("POST", services, service("a", { type: "NodePort" }));
    const port = body.spec.ports[0].nodePort;
    const again = await api.request("PUT", `${services}/a`, service("a", { type: "NodePort", selector: { x: "y" } }));
    expect(again.body.spec).toMatchObject({ clusterIP: body.spec.clusterIP, ports: [{ nodePort: port }] });
    const plain = await api.request("PUT", `${services}/a`, service("a", { type: "ClusterIP" }));
    expect(plain.body.spec.ports[0].nodePort).toBeUndefined();
    const other = service("b", { type: "NodePort", ports: [{ port: 80, nodePort: port }] });
    expect((await api.request("POST", services, other)).code).toBe(201);
  });

  test("what a server took and never used is freed by the second repair, not by the first", async () => {
    const api = await TestApi.open();
    const { services: allocator } = api.core;
    const lost = { metadata: { name: "lost" }, spec: { clusterIP: "10.96.0.60", type: "ClusterIP" } };
    expect((await allocator.reserve(lost as never, undefined, false)).ok).toBe(true);
    await allocator.repair([]);
    expect((await api.request("POST", services, service("a", { clusterIP: "10.96.0.60" }))).code).toBe(422);
    await allocator.repair([]);
    expect((await api.request("POST", services, service("a", { clusterIP: "10.96.0.60" }))).code).toBe(201);
  });

  test("a full range says so", async () => {
    const api = await TestApi.open();
    for (let i = 0; i < 64; i++)
      expect((await api.request("POST", services, service(`s${i}`, { type: "NodePort" }))).code).toBe(201);
    expect((await api.request("POST", services, service("last", { type: "NodePort" }))).body.message).toContain(
      "range is full",
    );
  });

  test("a headless Service has no address, an external name none of it", async () => {
    const api = await TestApi.open();
    const headless = await api.request("POST", services, service("h", { clusterIP: "None" }));
    expect(headless.body.spec).toMatchObject({ clusterIP: "None", clusterIPs: ["None"] });
    const external = await api.request("POST", services, {
      metadata: { name: "e" },
      spec: { type: "ExternalName", externalName: "example.com" },
    });
    expect(external.body.spec.clusterIP).toBeUndefined();
  });
});

test("a set of numbers is stored as the bytes of Kubernetes' RangeAllocation", () => {
  const bitmap = new Bitmap(24);
  bitmap.add(0);
  bitmap.add(9);
  expect([...bitmap.toStored()]).toEqual([0b10, 0b1]);
  expect([...new Bitmap(24, bitmap.toStored()).offsets()]).toEqual([0, 9]);
});
