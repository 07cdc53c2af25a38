import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../base/mod.ts";
import { type KubeObject, ResourceQuota, resource, StatusError } from "../../api/mod.ts";
import type { AdmissionRequest } from "../registry/admission.ts";
import { Registry } from "../registry/served.ts";
import { MemoryStore } from "../storage/memory-store.ts";
import { requestFor } from "./admission.testing.ts";
import { resourceQuota } from "./resource-quota.ts";

const clock = new VirtualClock(Date.parse("2026-11-23T06:00:00Z"));
const declared = resource(ResourceQuota, { plural: "resourcequotas", scope: "Namespaced", status: true });

/** An API server's view of a store; two of them may share one. */
function serverOn(store: MemoryStore) {
  const registry = new Registry({ store, clock, log: () => undefined, resources: [declared] });
  const quotas = registry.need("", "v1", "resourcequotas");
  const plugin = resourceQuota(registry, clock);
  const used = async (name: string) =>
    ((await quotas.objects.get(quotas.key("shop", name))) as unknown as ResourceQuota).status?.used;
  const add = (name: string, hard: object, usedNow: object = {}, spec: object = {}) =>
    quotas.objects.create(quotas.key("shop", name), {
      metadata: { name, namespace: "shop" },
      spec: { hard, ...spec },
      status: { hard, used: usedNow },
    } as unknown as KubeObject);
  return { plugin, used, add, quotas };
}

const pod = (requests: object = {}, limits: object = {}) => ({
  metadata: { name: "p", namespace: "shop" },
  spec: { containers: [{ name: "web", resources: { requests, limits } }] },
});

async function refusal(plugin: ReturnType<typeof resourceQuota>, request: AdmissionRequest) {
  try {
    await plugin.charge?.(request);
    return undefined;
  } catch (error) {
    if (error instanceof StatusError) return error.status.message;
    throw error;
  }
}

describe("a quota", () => {
  test("is charged with what a pod takes, and refuses what is too much", async () => {
    const { plugin, used, add } = serverOn(new MemoryStore());
    await add("compute", { pods: "3", "requests.cpu": "1" }, { pods: "1", "requests.cpu": "400m" });
    expect(await refusal(plugin, requestFor("pods", pod({ cpu: "500m" })))).toBeUndefined();
    expect(await used("compute")).toEqual({ pods: "2", "requests.cpu": "900m" });
    expect(await refusal(plugin, requestFor("pods", pod({ cpu: "200m" })))).toBe(
      'pods "p" is forbidden: exceeded quota: compute, requested: requests.cpu=200m, used: requests.cpu=900m, limited: requests.cpu=1',
    );
    expect(await used("compute")).toEqual({ pods: "2", "requests.cpu": "900m" });
  });

  test("wants every container to state what it limits", async () => {
    const { plugin, add } = serverOn(new MemoryStore());
    await add("compute", { "limits.memory": "1Gi", cpu: "1" }, { "limits.memory": "0", cpu: "0" });
    expect(await refusal(plugin, requestFor("pods", pod()))).toBe(
      'pods "p" is forbidden: failed quota: compute: must specify cpu for: web; limits.memory for: web',
    );
  });

  test("that nobody has counted yet lets nothing in", async () => {
    const { plugin, add } = serverOn(new MemoryStore());
    await add("objects", { "count/pods": "5", pods: "5" });
    expect(await refusal(plugin, requestFor("pods", pod()))).toBe(
      'pods "p" is forbidden: status unknown for quota: objects, resources: count/pods,pods',
    );
  });

  test("is not charged by a dry run, nor by updates that change nothing", async () => {
    const { plugin, used, add } = serverOn(new MemoryStore());
    await add("objects", { services: "1", "services.nodeports": "2" }, { services: "0", "services.nodeports": "0" });
    const service = (type: string) => ({ metadata: { name: "s", namespace: "shop" }, spec: { type, ports: [{}, {}] } });
    expect(await refusal(plugin, requestFor("services", service("NodePort"), { dryRun: true }))).toBeUndefined();
    expect(await used("objects")).toEqual({ services: "0", "services.nodeports": "0" });
    const old = service("ClusterIP") as unknown as KubeObject;
    await refusal(plugin, requestFor("services", service("NodePort"), { operation: "UPDATE", old }));
    expect(await used("objects")).toEqual({ services: "0", "services.nodeports": "2" });
  });

  test("gets back what was charged for a write that failed", async () => {
    const { plugin, used, add } = serverOn(new MemoryStore());
    await add("objects", { pods: "3" }, { pods: "1" });
    const claim = await plugin.charge?.(requestFor("pods", pod()));
    expect(await used("objects")).toEqual({ pods: "2" });
    await claim?.undo();
    expect(await used("objects")).toEqual({ pods: "1" });
  });

  test("of several, one that refuses leaves the others as they were", async () => {
    const { plugin, used, add } = serverOn(new MemoryStore());
    await add("a-wide", { pods: "3" }, { pods: "1" });
    await add("b-full", { pods: "1" }, { pods: "1" });
    expect(await refusal(plugin, requestFor("pods", pod()))).toContain("exceeded quota: b-full");
    expect(await used("a-wide")).toEqual({ pods: "1" });
  });
});

test("two servers together never let in more than the quota allows", async () => {
  const store = new MemoryStore();
  const [one, two] = [serverOn(store), serverOn(store)];
  await one.add("objects", { pods: "10" }, { pods: "0" });
  const refusals = await Promise.all(
    Array.from({ length: 40 }, (_, i) => refusal((i % 2 ? one : two).plugin, requestFor("pods", pod()))),
  );
  expect(refusals.filter((refused) => refused === undefined)).toHaveLength(10);
  expect(await one.used("objects")).toEqual({ pods: "10" });
});
