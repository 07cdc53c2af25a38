import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Pod, PodDisruptionBudget, ReplicaSet } from "../../api/mod.ts";
import { settle } from "../../client/elapse.testing.ts";
import { timestamp } from "../../client/mod.ts";
import { TestCluster, webTemplate } from "../common/cluster.testing.ts";
import { DisruptionController } from "./controller.ts";
import { demand } from "./plan.ts";
import { StaleDisruptionTargets } from "./stale-targets.ts";

let cluster: TestCluster;
beforeEach(async () => {
  cluster = new TestCluster();
  await cluster.start((context) => [new DisruptionController(context), new StaleDisruptionTargets(context)]);
});
afterEach(() => cluster.stop());

async function replicaSet(replicas: number): Promise<ReplicaSet> {
  const selector = { matchLabels: { app: "web" } };
  return cluster.client.replicaSets.create({
    metadata: { name: "web", namespace: "default" },
    spec: { replicas, selector, template: webTemplate() },
  });
}

async function pods(count: number, owner?: ReplicaSet, ready = count): Promise<void> {
  for (let i = 0; i < count; i++) {
    const ownerReferences = owner && [
      { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: owner.metadata.uid ?? "", controller: true },
    ];
    const pod: Pod = {
      metadata: { name: `web-${i}`, namespace: "default", labels: { app: "web" }, ownerReferences },
      spec: { nodeName: "n1", containers: [{ name: "c", image: "x" }] },
    };
    await cluster.setStatus(await cluster.client.pods.create(pod), i < ready ? "ready" : "unready");
  }
}

function budget(spec: Partial<NonNullable<PodDisruptionBudget["spec"]>>): Promise<PodDisruptionBudget> {
  return cluster.client.podDisruptionBudgets.create({
    metadata: { name: "web", namespace: "default" },
    spec: { selector: { matchLabels: { app: "web" } }, ...spec },
  });
}

async function status() {
  await settle();
  return (await cluster.client.podDisruptionBudgets.get("default", "web")).status;
}

describe("percentages", () => {
  test.each([
    [{ minAvailable: "50%" }, 7, { expectedPods: 7, desiredHealthy: 4 }],
    [{ maxUnavailable: "30%" }, 7, { expectedPods: 7, desiredHealthy: 4 }],
    [{ maxUnavailable: 9 }, 7, { expectedPods: 7, desiredHealthy: 0 }],
    [{ minAvailable: 2 }, 7, { expectedPods: 3, desiredHealthy: 2 }],
  ])("%j of %d", (spec, scale, expected) => {
    expect(demand(spec, 3, scale)).toEqual(expected);
  });
});

test("a number of pods that must stay: those above it may go", async () => {
  await pods(4, undefined, 3);
  await budget({ minAvailable: 2 });
  expect(await status()).toMatchObject({
    observedGeneration: 1,
    expectedPods: 4,
    currentHealthy: 3,
    desiredHealthy: 2,
    disruptionsAllowed: 1,
    conditions: [{ type: "DisruptionAllowed", status: "True", reason: "SufficientPods" }],
  });
});

test("a share is one of the size that the owner wants, not of the pods that happen to be there", async () => {
  const owner = await replicaSet(10);
  await pods(6, owner);
  await budget({ maxUnavailable: "25%" });
  expect(await status()).toMatchObject({ expectedPods: 10, desiredHealthy: 7, disruptionsAllowed: 0 });
  await cluster.client.replicaSets.update({ ...owner, spec: { ...owner.spec, replicas: 4 } as never });
  expect(await status()).toMatchObject({ expectedPods: 4, desiredHealthy: 3, disruptionsAllowed: 3 });
});

test("an owner that is not there: nothing may be evicted, and the reason is told", async () => {
  const owner = await replicaSet(3);
  await pods(3, owner);
  await cluster.client.replicaSets.delete("default", "web");
  await budget({ maxUnavailable: 1 });
  expect(await status()).toMatchObject({
    disruptionsAllowed: 0,
    conditions: [{ reason: "SyncFailed", message: 'found no controllers for pod "web-0"' }],
  });
});

test("an evicted pod counts as gone for two minutes, then as one that would not go", async () => {
  await pods(3);
  await budget({ minAvailable: 2 });
  const seen = await status();
  expect(seen?.disruptionsAllowed).toBe(1);
  const current = await cluster.client.podDisruptionBudgets.get("default", "web");
  const disruptedPods = { "web-0": timestamp(cluster.clock.now()) };
  await cluster.client.podDisruptionBudgets.updateStatus({
    ...current,
    status: { ...current.status, disruptedPods } as never,
  });
  expect(await status()).toMatchObject({ currentHealthy: 2, disruptionsAllowed: 0, disruptedPods });
  for (let minute = 0; minute < 3; minute++) {
    cluster.clock.advance(60_000);
    await settle();
  }
  const after = await status();
  expect(after).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 1 });
  expect(after?.disruptedPods).toBeUndefined();
  expect(await cluster.eventsAbout("web-0")).toContain(
    "NotDeleted: Pod was expected by PDB default/web to be deleted but it wasn't",
  );
});

test("a pod that was said to be disrupted, and was not, is told so after two minutes", async () => {
  await pods(1);
  const pod = await cluster.client.pods.get("default", "web-0");
  const target = {
    type: "DisruptionTarget",
    status: "True" as const,
    lastTransitionTime: timestamp(cluster.clock.now()),
  };
  pod.status = { ...pod.status, conditions: [...(pod.status?.conditions ?? []), target] };
  await cluster.client.pods.updateStatus(pod);
  const condition = async () =>
    (await cluster.client.pods.get("default", "web-0")).status?.conditions?.find(({ type }) => type === target.type);
  await settle();
  cluster.clock.advance(119_000);
  await settle();
  expect((await condition())?.status).toBe("True");
  cluster.clock.advance(2_000);
  await settle();
  expect((await condition())?.status).toBe("False");
});
