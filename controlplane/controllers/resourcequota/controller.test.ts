import { afterEach, beforeEach, expect, test } from "vitest";
import type { Pod, ResourceQuota } from "../../api/mod.ts";
import { settle } from "../../client/elapse.testing.ts";
import { TestCluster } from "../common/cluster.testing.ts";
import { ResourceQuotaController } from "./controller.ts";
import { kindsOf } from "./plan.ts";

let cluster: TestCluster;
beforeEach(async () => {
  cluster = new TestCluster();
  await cluster.start((context) => new ResourceQuotaController(context));
});
afterEach(() => cluster.stop());

function quota(spec: NonNullable<ResourceQuota["spec"]>): Promise<ResourceQuota> {
  return cluster.client.resourceQuotas.create({ metadata: { name: "q", namespace: "default" }, spec });
}

function pod(name: string, cpu: string, namespace = "default"): Promise<Pod> {
  const resources = { requests: { cpu } };
  return cluster.client.pods.create({
    metadata: { name, namespace },
    spec: { nodeName: "n1", containers: [{ name: "c", image: "x", resources }] },
  });
}

async function used(): Promise<Record<string, string> | undefined> {
  await settle();
  return (await cluster.client.resourceQuotas.get("default", "q")).status?.used;
}

test("kinds are read off the names of what is limited", () => {
  const names = ["requests.cpu", "count/deployments.apps", "secrets", "count/secrets", "services.nodeports"];
  expect(kindsOf(names).map(({ group, resource }) => `${resource}.${group}`)).toEqual([
    "pods.",
    "services.",
    "deployments.apps",
    "secrets.",
  ]);
});

test("what is there counts, of the namespace alone; what ends or goes is given back at once", async () => {
  await pod("a", "300m");
  const ending = await pod("b", "200m");
  await pod("c", "9", "elsewhere");
  await settle();
  await quota({ hard: { pods: "5", "requests.cpu": "1", "requests.memory": "1Gi" } });
  expect(await used()).toEqual({ pods: "2", "requests.cpu": "500m", "requests.memory": "0" });
  await cluster.setStatus(ending, "Succeeded");
  expect(await used()).toMatchObject({ pods: "1", "requests.cpu": "300m" });
  await cluster.client.pods.delete("default", "a", { gracePeriodSeconds: 0 });
  expect(await used()).toMatchObject({ pods: "0", "requests.cpu": "0" });
  expect((await cluster.client.resourceQuotas.get("default", "q")).status?.hard).toMatchObject({ pods: "5" });
});

test("any kind is counted, once somebody limits it", async () => {
  const configMap = (name: string) =>
    cluster.client.configMaps.create({ metadata: { name, namespace: "default" }, data: {} });
  await configMap("a");
  await configMap("b");
  await quota({ hard: { configmaps: "9", "count/widgets.example.com": "1" } });
  expect(await used()).toEqual({ configmaps: "2", "count/widgets.example.com": "0" });
  await cluster.client.configMaps.delete("default", "a");
  expect(await used()).toMatchObject({ configmaps: "1" });
});

test("what came while it was counted is found two seconds later", async () => {
  await quota({ hard: { pods: "5" } });
  expect(await used()).toEqual({ pods: "0" });
  await pod("late", "1");
  expect(await used()).toEqual({ pods: "0" });
  cluster.clock.advance(2_000);
  expect(await used()).toEqual({ pods: "1" });
});

test("what admission has counted and nobody made is found within five minutes", async () => {
  await quota({ hard: { pods: "5" } });
  expect(await used()).toEqual({ pods: "0" });
  const current = await cluster.client.resourceQuotas.get("default", "q");
  await cluster.client.resourceQuotas.updateStatus({
    ...current,
    status: { hard: { pods: "5" }, used: { pods: "1" } },
  });
  expect(await used()).toEqual({ pods: "1" });
  cluster.clock.advance(5 * 60_000);
  expect(await used()).toEqual({ pods: "0" });
});

test("a raised limit shows in the status", async () => {
  const { spec: _, ...made } = await quota({ hard: { pods: "5" } });
  await settle();
  const current = await cluster.client.resourceQuotas.get("default", made.metadata.name ?? "");
  await cluster.client.resourceQuotas.update({ ...current, spec: { hard: { pods: "7" } } });
  await settle();
  expect((await cluster.client.resourceQuotas.get("default", "q")).status?.hard).toEqual({ pods: "7" });
});
