import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../base/mod.ts";
import type { Pod } from "../controlplane/api/mod.ts";
import { Client, InformerFactory, isConflict, isNotFound } from "../controlplane/client/mod.ts";
import { TestCluster } from "./support/cluster.ts";
import { eventually } from "./support/eventually.ts";
import { seed } from "./support/seed.ts";

// A control plane of five processes whose controllers and store leader are killed again and again; the test itself is the nodes.

const completions = 1000;
const parallelism = 50;

const cluster = new TestCluster();
let client: Client;

beforeAll(async () => {
  await cluster.up("--nodes", "0");
  client = await Client.fromKubeconfig(join(cluster.root, "kubeconfig"));
});

afterAll(async () => {
  await client?.close();
  await cluster.remove();
});

/** Asks again while the answer is that the store has no leader, or none comes. */
async function insist<T>(request: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) throw error;
      await delay(50);
    }
  }
}

/** The controllers and the store's leader in turns. */
async function killNext(count: number): Promise<string> {
  const component = count % 2 === 0 ? "controller-manager" : await cluster.storeLeader();
  process.kill(await cluster.pidOf(component), "SIGKILL");
  return component;
}

test(`a thousand completions are counted exactly although controllers and the store's leader are killed (seed ${seed})`, async () => {
  const random = seededRandom(seed);
  const stopping = new AbortController();
  const informers = new InformerFactory({ log: () => undefined });
  const pods = informers.informer(client.pods, { namespace: "default" });
  const outcomes = { Succeeded: 0, Failed: 0 };
  const succeededIndexes: string[] = [];
  const active = new Set<string>();
  let mostActive = 0;
  const finish = async (pod: Pod) => {
    // A twentieth fails, long ago: nobody waits for the next try.
    const phase = random.below(20) === 0 ? "Failed" : "Succeeded";
    const state = { terminated: { exitCode: phase === "Failed" ? 1 : 0, finishedAt: "2020-01-01T00:00:00Z" } };
    const containerStatuses = [{ name: "c", ready: false, restartCount: 0, image: "x", imageID: "x", state }];
    const patch = { status: { phase, containerStatuses } };
    const { name, annotations } = pod.metadata;
    await insist(() => client.pods.patch("default", name, "strategic", patch, { subresource: "status" }));
    outcomes[phase]++;
    if (phase === "Succeeded") succeededIndexes.push(annotations?.["batch.kubernetes.io/job-completion-index"] ?? "");
  };
  const finishing: Promise<void>[] = [];
  pods.addHandler({
    onAdd: (pod) => {
      mostActive = Math.max(mostActive, active.add(pod.metadata.name).size);
      finishing.push(delay(random.below(50)).then(() => finish(pod)));
    },
    // As the controller sees it: an answer to the write above may be late, or lost.
    onUpdate: (_old, { metadata, status }) => {
      if (status?.phase === "Succeeded" || status?.phase === "Failed") active.delete(metadata.name);
    },
  });
  informers.start(stopping.signal);
  await pods.synced();
  const template = { spec: { restartPolicy: "Never" as const, containers: [{ name: "c", image: "x" }] } };
  await client.jobs.create({
    metadata: { name: "many", namespace: "default" },
    spec: { completions, parallelism, completionMode: "Indexed", backoffLimit: 1_000_000, template },
  });
  const isDone = async () => {
    const { status } = await insist(() => client.jobs.get("default", "many"));
    return status?.conditions?.some(({ type, status: value }) => type === "Complete" && value === "True")
      ? status
      : undefined;
  };
  const killed: string[] = [];
  const killer = (async () => {
    while (killed.length < 5 && (await isDone()) === undefined) {
      await delay(300 + random.below(500));
      killed.push(await insist(() => killNext(killed.length)));
    }
  })();
  const status = await eventually("the Job is complete", isDone, 100_000, 100);
  await killer;
  stopping.abort(new Error("the test is over"));
  await Promise.all(finishing);
  await informers.stopped();
  expect(status).toMatchObject({ succeeded: completions, completedIndexes: `0-${completions - 1}` });
  expect(status.failed ?? 0).toBe(outcomes.Failed);
  expect(new Set(succeededIndexes).size, "every index has had its pod").toBe(completions);
  // A pod that was on its way when its controller was killed may come after the next one has looked: its index is run twice then, as the
  // original allows, and counted once.
  expect(outcomes.Succeeded - completions).toBeLessThan(parallelism);
  expect(killed.length).toBeGreaterThanOrEqual(2);
  expect(mostActive, "never more than the allowed parallelism").toBeLessThanOrEqual(parallelism);
}, 150_000);
