import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Service } from "../../api/mod.ts";
import { settle } from "../../client/elapse.testing.ts";
import { isNotFound } from "../../client/mod.ts";
import { TestCluster } from "../common/cluster.testing.ts";
import { AddressPool } from "./address-pool.ts";
import { LoadBalancerController } from "./controller.ts";

let cluster: TestCluster;
const start = () => cluster.start((context) => new LoadBalancerController(context, "172.30.200.0/29"));
beforeEach(async () => {
  cluster = new TestCluster();
  await start();
});
afterEach(() => cluster.stop());

function service(name: string, spec: Partial<Service["spec"]> = {}): Promise<Service> {
  return cluster.client.services.create({
    metadata: { name, namespace: "default" },
    spec: { type: "LoadBalancer", ports: [{ port: 80, protocol: "TCP" }], ...spec },
    status: { loadBalancer: {} },
  });
}

async function address(name: string): Promise<string | undefined> {
  await settle();
  const { status } = await cluster.client.services.get("default", name);
  return status?.loadBalancer?.ingress?.[0]?.ip;
}

describe("a pool", () => {
  test("gives neither its own address nor the broadcast one", () => {
    const pool = new AddressPool("10.0.0.0/30");
    expect(pool.next(new Set())).toBe("10.0.0.1");
    expect(pool.next(new Set(["10.0.0.1"]))).toBe("10.0.0.2");
    expect(pool.next(new Set(["10.0.0.1", "10.0.0.2"]))).toBeUndefined();
    expect(["10.0.0.0", "10.0.0.3", "10.0.1.1", "x", "10.0.0.2"].map((ip) => pool.contains(ip))).toEqual([
      false,
      false,
      false,
      false,
      true,
    ]);
  });

  test.each(["10.0.0.0", "10.0.0.0/31", "300.0.0.0/8"])("%s is none", (cidr) => {
    expect(() => new AddressPool(cidr)).toThrow(RangeError);
  });
});

describe("a Service of type LoadBalancer", () => {
  test("gets an address of its own, and the same after a restart", async () => {
    await Promise.all([service("a"), service("b"), service("c")]);
    const before = [await address("a"), await address("b"), await address("c")];
    expect([...before].sort()).toEqual(["172.30.200.1", "172.30.200.2", "172.30.200.3"]);
    expect((await cluster.client.services.get("default", "a")).metadata.finalizers).toEqual([
      "service.kubernetes.io/load-balancer-cleanup",
    ]);
    expect(await cluster.eventsAbout("a")).toEqual([
      "EnsuringLoadBalancer: Ensuring load balancer",
      "EnsuredLoadBalancer: Ensured load balancer",
    ]);
    await cluster.stop();
    await cluster.client.services.delete("default", "b");
    await start();
    expect([await address("a"), await address("c")]).toEqual([before[0], before[2]]);
  });

  test("gets the address it asks for, if it is free and of the pool", async () => {
    await service("a", { loadBalancerIP: "172.30.200.5" });
    expect(await address("a")).toBe("172.30.200.5");
    await service("b", { loadBalancerIP: "172.30.200.5" });
    await service("c", { loadBalancerIP: "192.0.2.1" });
    expect([await address("b"), await address("c")]).toEqual([undefined, undefined]);
    expect(await cluster.eventsAbout("b")).toEqual([
      "SyncLoadBalancerFailed: Error syncing load balancer: failed to ensure load balancer: requested address 172.30.200.5 is in use by default/a",
    ]);
    expect(await cluster.eventsAbout("c")).toEqual([
      "SyncLoadBalancerFailed: Error syncing load balancer: failed to ensure load balancer: requested address 192.0.2.1 is not in the pool 172.30.200.0/29",
    ]);
  });

  test("of another class is somebody else's", async () => {
    await service("a", { loadBalancerClass: "example.com/lb" });
    expect(await address("a")).toBeUndefined();
    expect(await cluster.eventsAbout("a")).toEqual([]);
  });

  test("waits while the pool is empty, says so, and gets the first address that is given back", async () => {
    for (const name of ["a", "b", "c", "d", "e", "f"]) await service(name);
    expect(await address("f")).toBeDefined();
    await service("late");
    expect(await address("late")).toBeUndefined();
    expect(await cluster.eventsAbout("late")).toEqual([
      "SyncLoadBalancerFailed: Error syncing load balancer: failed to ensure load balancer: no address is left in the pool 172.30.200.0/29",
    ]);
    const freed = await address("c");
    await cluster.client.services.delete("default", "c");
    await settle();
    await expect(cluster.client.services.get("default", "c")).rejects.toSatisfy(isNotFound);
    expect(await address("late")).toBe(freed);
  });

  test("gives its address back when it becomes another type", async () => {
    await service("a");
    await settle();
    const current = await cluster.client.services.get("default", "a");
    await cluster.client.services.update({ ...current, spec: { ...current.spec, type: "ClusterIP" } });
    expect(await address("a")).toBeUndefined();
    expect((await cluster.client.services.get("default", "a")).metadata.finalizers ?? []).toEqual([]);
  });
});
