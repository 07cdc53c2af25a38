import { afterEach, beforeEach, expect, test } from "vitest";
import type { Job } from "../../api/mod.ts";
import { timestamp } from "../../client/mod.ts";
import { TestCluster, webTemplate } from "../common/cluster.testing.ts";
import { TtlAfterFinishedController } from "./controller.ts";

let cluster: TestCluster;
beforeEach(() => {
  cluster = new TestCluster();
});
afterEach(() => cluster.stop());

async function finished(name: string, ttlSecondsAfterFinished?: number): Promise<void> {
  const spec: Job["spec"] = { template: webTemplate(), ttlSecondsAfterFinished };
  const job = await cluster.client.jobs.create({ metadata: { name, namespace: "default" }, spec });
  const now = timestamp(cluster.clock.now());
  const status = { conditions: [{ type: "Complete", status: "True" as const, lastTransitionTime: now }] };
  await cluster.client.jobs.updateStatus({ ...job, status });
}

/** Deleted in the foreground, a Job waits for the garbage collector, which is not here. */
async function staying(): Promise<string[]> {
  const { items } = await cluster.client.jobs.list();
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.name ?? "");
}

test("a finished Job goes after its time, one without a time stays", async () => {
  await cluster.start((context) => new TtlAfterFinishedController(context));
  await finished("now", 0);
  await finished("soon", 10);
  await finished("never");
  await cluster.run(2);
  expect(await staying()).toEqual(["never", "soon"]);
  await cluster.run(10);
  expect(await staying()).toEqual(["never"]);
});

test("a time that is raised while it runs counts", async () => {
  await cluster.start((context) => new TtlAfterFinishedController(context));
  await finished("patient", 5);
  await cluster.run(3);
  await cluster.client.jobs.patch("default", "patient", "merge", { spec: { ttlSecondsAfterFinished: 60 } });
  await cluster.run(10);
  expect(await staying()).toEqual(["patient"]);
});
