import { afterEach, beforeEach, expect, test } from "vitest";
import type { HorizontalPodAutoscaler, Status } from "../../api/mod.ts";
import { settle } from "../../client/elapse.testing.ts";
import { timestamp } from "../../client/mod.ts";
import { TestCluster, webTemplate } from "../common/cluster.testing.ts";
import { HorizontalPodAutoscalerController } from "./controller.ts";

let cluster: TestCluster;
/** What every pod measures, in thousandths of a CPU; undefined: nobody serves the metrics. */
let usage: number | undefined;
beforeEach(async () => {
  cluster = new TestCluster();
  usage = 100;
  cluster.server.intercept = ({ path }) => {
    if (!path.startsWith("/apis/metrics.k8s.io/") || usage === undefined) return undefined;
    const items = Array.from({ length: 9 }, (_, i) => ({
      metadata: { name: `web-${i}` },
      timestamp: timestamp(cluster.clock.now()),
      window: "15s",
      containers: [{ name: "c", usage: { cpu: `${usage}m` } }],
    }));
    return { code: 200, items } as unknown as Status;
  };
  await cluster.start((context) => new HorizontalPodAutoscalerController(context));
  await cluster.client.deployments.create({
    metadata: { name: "web", namespace: "default" },
    spec: { replicas: 2, selector: { matchLabels: { app: "web" } }, template: webTemplate() },
  });
  await pods(2);
});
afterEach(() => cluster.stop());

async function pods(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const resources = { requests: { cpu: "100m" } };
    const pod = await cluster.client.pods.create({
      metadata: { name: `web-${i}`, namespace: "default", labels: { app: "web" } },
      spec: { nodeName: "n1", containers: [{ name: "c", image: "x", resources }] },
    });
    await cluster.setStatus(pod, "ready");
    const running = await cluster.client.pods.get("default", `web-${i}`);
    const startTime = timestamp(cluster.clock.now() - 600_000);
    const conditions = running.status?.conditions?.map((it) => ({ ...it, lastTransitionTime: startTime }));
    await cluster.client.pods.updateStatus({
      ...running,
      status: { ...running.status, startTime, conditions } as never,
    });
  }
}

function autoscaler(name = "web"): Promise<HorizontalPodAutoscaler> {
  return cluster.client.horizontalPodAutoscalers.create({
    metadata: { name, namespace: "default" },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      minReplicas: 1,
      maxReplicas: 6,
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } },
      ],
    },
  });
}

async function status() {
  await settle();
  return (await cluster.client.horizontalPodAutoscalers.get("default", "web")).status;
}

async function replicas(): Promise<number | undefined> {
  await settle();
  return (await cluster.client.deployments.get("default", "web")).spec.replicas;
}

test("busy pods: the target grows, and the status says from what", async () => {
  await autoscaler();
  expect(await replicas()).toBe(4);
  expect(await status()).toMatchObject({
    currentReplicas: 2,
    desiredReplicas: 4,
    currentMetrics: [{ type: "Resource", resource: { current: { averageUtilization: 100, averageValue: "100m" } } }],
    conditions: expect.arrayContaining([
      expect.objectContaining({ type: "AbleToScale", status: "True", reason: "SucceededRescale" }),
      expect.objectContaining({ type: "ScalingActive", status: "True", reason: "ValidMetricFound" }),
      expect.objectContaining({ type: "ScalingLimited", status: "False", reason: "DesiredWithinRange" }),
    ]),
  });
  expect(await cluster.eventsAbout("web")).toEqual([
    "SuccessfulRescale: New size: 4; reason: cpu resource utilization (percentage of request) above target",
  ]);
});

test("idle pods: the target shrinks when five minutes have passed without need", async () => {
  usage = 50;
  await autoscaler();
  expect(await replicas()).toBe(2);
  usage = 5;
  for (let passed = 0; passed < 285; passed += 15) {
    cluster.clock.advance(15_000);
    expect(await replicas(), `after ${passed + 15} s`).toBe(2);
  }
  for (let more = 0; more < 2; more++) {
    cluster.clock.advance(15_000);
    await settle();
  }
  expect(await replicas()).toBe(1);
});

test("nobody serves the metrics: nothing changes, and the reason is told", async () => {
  usage = undefined;
  await autoscaler();
  expect(await replicas()).toBe(2);
  expect((await status())?.conditions).toContainEqual(
    expect.objectContaining({ type: "ScalingActive", status: "False", reason: "FailedGetResourceMetric" }),
  );
  expect((await cluster.eventsAbout("web")).map((event) => event.slice(0, event.indexOf(":")))).toEqual([
    "FailedGetResourceMetric",
    "FailedComputeMetricsReplicas",
  ]);
});

test("a target of none is switched off", async () => {
  const target = await cluster.client.deployments.get("default", "web");
  await cluster.client.deployments.update({ ...target, spec: { ...target.spec, replicas: 0 } });
  await autoscaler();
  expect(await replicas()).toBe(0);
  expect((await status())?.conditions).toContainEqual(
    expect.objectContaining({ type: "ScalingActive", status: "False", reason: "ScalingDisabled" }),
  );
});

test("a target that is not there", async () => {
  await cluster.client.deployments.delete("default", "web");
  await autoscaler();
  expect((await status())?.conditions).toContainEqual(
    expect.objectContaining({ type: "AbleToScale", status: "False", reason: "FailedGetScale" }),
  );
});

test("two for the same pods: both stop, and say with whom", async () => {
  usage = 50;
  await autoscaler();
  await settle();
  await autoscaler("other");
  await settle();
  cluster.clock.advance(15_000);
  expect((await status())?.conditions).toContainEqual(
    expect.objectContaining({
      reason: "AmbiguousSelector",
      message: "pods by selector app=web are controlled by multiple HPAs: [default/other default/web]",
    }),
  );
});
