import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { seededRandom } from "../../../base/mod.ts";
import type { Job, Pod } from "../../api/mod.ts";
import { settle } from "../../client/elapse.testing.ts";
import { TestCluster } from "../common/cluster.testing.ts";
import { MortalProcess } from "../common/mortal-process.testing.ts";
import { isActive } from "../common/pods.ts";
import { JobController } from "./controller.ts";
import { completionIndexAnnotation } from "./indexes.ts";
import { isFinished } from "./outcome.ts";

let cluster: TestCluster;
beforeEach(() => {
  cluster = new TestCluster();
  cluster.fate = () => undefined;
});
afterEach(() => cluster.stop());

function work(spec: Partial<Job["spec"]>): Job {
  const matchLabels = { "batch.kubernetes.io/job-name": "work" };
  const template = {
    metadata: { labels: matchLabels },
    spec: { restartPolicy: "Never" as const, containers: [{ name: "c", image: "x" }] },
  };
  return {
    metadata: { name: "work", namespace: "default" },
    spec: { parallelism: 1, selector: { matchLabels }, template, ...spec },
  };
}

async function start(spec: Partial<Job["spec"]>): Promise<void> {
  await cluster.start((context) => new JobController(context));
  await cluster.client.jobs.create(work(spec));
  await cluster.run(2);
}

async function theJob(): Promise<Job> {
  return cluster.client.jobs.get("default", "work");
}

async function reasons(): Promise<string[]> {
  return ((await theJob()).status?.conditions ?? []).map(({ type, status, reason }) => `${type} ${status} ${reason}`);
}

const indexOf = (pod: Pod) => Number(pod.metadata.annotations?.[completionIndexAnnotation]);
const running = () => cluster.pods.filter(isActive);

async function end(index: number, fate: "Succeeded" | "Failed", exitCode = 1): Promise<void> {
  const pod = running().find((it) => indexOf(it) === index);
  await cluster.setStatus(pod as Pod, fate, exitCode);
  await cluster.run(2);
}

describe("failures by index", () => {
  const spec = {
    completions: 3,
    parallelism: 3,
    completionMode: "Indexed" as const,
    backoffLimit: 2 ** 31 - 1,
    backoffLimitPerIndex: 1,
  };

  test("an index is tried again as often as its limit says, alone; at the end the Job fails with the rest done", async () => {
    await start(spec);
    await end(1, "Failed");
    await end(0, "Succeeded");
    expect((await theJob()).status).toMatchObject({ succeeded: 1, completedIndexes: "0", failedIndexes: "" });
    await cluster.run(11);
    const retry = running().find((pod) => indexOf(pod) === 1);
    expect(retry?.metadata.annotations?.["batch.kubernetes.io/job-index-failure-count"]).toBe("1");
    await end(1, "Failed");
    expect((await theJob()).status).toMatchObject({ failedIndexes: "1" });
    await end(2, "Succeeded");
    await cluster.run(3);
    expect(await reasons()).toEqual(["FailureTarget True FailedIndexes", "Failed True FailedIndexes"]);
    expect((await theJob()).status).toMatchObject({
      succeeded: 2,
      failed: 2,
      completedIndexes: "0,2",
      failedIndexes: "1",
    });
  });

  test("too many failed indexes end the Job, and stop what runs", async () => {
    await start({ ...spec, backoffLimitPerIndex: 0, maxFailedIndexes: 0 });
    await end(2, "Failed");
    await cluster.run(4);
    expect(await reasons()).toContain("Failed True MaxFailedIndexesExceeded");
    expect(running()).toEqual([]);
  });

  test("FailIndex gives an index up at once", async () => {
    const podFailurePolicy = {
      rules: [{ action: "FailIndex" as const, onExitCodes: { operator: "In", values: [42] } }],
    };
    await start({ ...spec, backoffLimitPerIndex: 5, podFailurePolicy });
    await end(0, "Failed", 42);
    expect((await theJob()).status?.failedIndexes).toBe("0");
  });
});

describe("a pod failure policy", () => {
  const rule = (action: "FailJob" | "Ignore") => ({
    rules: [{ action, onExitCodes: { operator: "In", values: [42] } }],
  });

  test("may end the Job", async () => {
    await start({ completions: 2, parallelism: 2, podFailurePolicy: rule("FailJob") });
    const [first] = running();
    await cluster.setStatus(first as Pod, "Failed", 42);
    await cluster.run(5);
    expect(await reasons()).toEqual(["FailureTarget True PodFailurePolicy", "Failed True PodFailurePolicy"]);
    const message = (await theJob()).status?.conditions?.[0]?.message;
    expect(message).toBe(
      `Container c for pod default/${first?.metadata.name} failed with exit code 42 matching FailJob rule at index 0`,
    );
  });

  test("may ignore failures: they are tried again and count as nothing", async () => {
    await start({ completions: 1, backoffLimit: 0, podFailurePolicy: rule("Ignore") });
    await cluster.setStatus(running()[0] as Pod, "Failed", 42);
    await cluster.run(12);
    expect(running()).toHaveLength(1);
    expect((await theJob()).status?.failed ?? 0).toBe(0);
  });
});

test("a success policy ends the Job with what is done", async () => {
  const successPolicy = { rules: [{ succeededIndexes: "1" }] };
  await start({ completions: 3, parallelism: 3, completionMode: "Indexed", successPolicy });
  await end(1, "Succeeded");
  await cluster.run(4);
  expect(await reasons()).toEqual(["SuccessCriteriaMet True SuccessPolicy", "Complete True SuccessPolicy"]);
  expect((await theJob()).status).toMatchObject({ succeeded: 1, completedIndexes: "1" });
  expect(running()).toEqual([]);
});

test("suspended, a Job stops and forgets nothing; resumed, it goes on", async () => {
  await start({ completions: 4, parallelism: 2, completionMode: "Indexed" });
  await end(0, "Succeeded");
  await cluster.client.jobs.patch("default", "work", "merge", { spec: { suspend: true } });
  await cluster.run(3);
  expect(cluster.pods.filter(isActive)).toEqual([]);
  expect(await reasons()).toEqual(["Suspended True JobSuspended"]);
  expect((await theJob()).status).toMatchObject({ succeeded: 1, completedIndexes: "0" });
  expect((await theJob()).status?.failed ?? 0).toBe(0);
  await cluster.client.jobs.patch("default", "work", "merge", { spec: { suspend: false } });
  await cluster.run(3);
  expect(running().map(indexOf)).toEqual([1, 2]);
  expect(await reasons()).toEqual(["Suspended False JobResumed"]);
});

test("an Indexed Job grows and shrinks: indexes it no longer has are stopped, and their successes uncounted", async () => {
  await start({ completions: 4, parallelism: 4, completionMode: "Indexed" });
  await end(3, "Succeeded");
  await cluster.client.jobs.patch("default", "work", "merge", { spec: { completions: 2, parallelism: 2 } });
  await cluster.run(3);
  expect(running().map(indexOf)).toEqual([0, 1]);
  expect((await theJob()).status?.succeeded ?? 0).toBe(0);
  await cluster.client.jobs.patch("default", "work", "merge", { spec: { completions: 3, parallelism: 3 } });
  await cluster.run(3);
  expect(running().map(indexOf)).toEqual([0, 1, 2]);
});

test("what another controller manages is left alone", async () => {
  await start({ completions: 1, managedBy: "example.com/queue" });
  expect(cluster.pods).toEqual([]);
});

test("many completions are done quickly: pods in growing batches, books in few writes", async () => {
  cluster.fate = () => "Succeeded";
  await start({ completions: 300, parallelism: 50, completionMode: "Indexed" });
  let rounds = 2;
  for (; rounds < 60 && !isFinished(await theJob()); rounds++) await cluster.run(1);
  expect((await theJob()).status).toMatchObject({ succeeded: 300, completedIndexes: "0-299" });
  expect(rounds).toBeLessThan(20);
  const writes = cluster.server.requests.filter((request) => /^PUT .*\/jobs\/work\/status/.test(request)).length;
  expect(writes).toBeLessThan(60);
});

test("whatever ends how, whenever the controller crashes, however late its caches: the counts are exact", async () => {
  const spec = fc.record({
    completions: fc.integer({ min: 1, max: 12 }),
    parallelism: fc.integer({ min: 1, max: 5 }),
    completionMode: fc.constantFrom("NonIndexed" as const, "Indexed" as const),
    perIndex: fc.boolean(),
  });
  const lives = fc.array(fc.nat(12), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      spec,
      lives,
      fc.nat(),
      async ({ completions, parallelism, completionMode, perIndex }, crashes, seed) => {
        const world = new TestCluster();
        const random = seededRandom(seed);
        world.fate = () => (["Succeeded", "Succeeded", "Failed", undefined, undefined] as const)[random.below(5)];
        const successes = new Map<number, number>();
        const seen = new Map<string, string>();
        const observe = async () => {
          const pods = (await world.client.pods.list()).items;
          const active = pods.filter(isActive).length;
          expect(active, "never more than the allowed parallelism").toBeLessThanOrEqual(parallelism);
          for (const pod of pods) {
            const { uid = "" } = pod.metadata;
            const phase = pod.status?.phase ?? "";
            if (phase === seen.get(uid) || !["Succeeded", "Failed"].includes(phase)) continue;
            seen.set(uid, phase);
            if (phase === "Succeeded") successes.set(indexOf(pod), (successes.get(indexOf(pod)) ?? 0) + 1);
          }
        };
        const limits = perIndex && completionMode === "Indexed" ? { backoffLimitPerIndex: 1000 } : {};
        await world.client.jobs.create(
          work({ completions, parallelism, completionMode, backoffLimit: 2 ** 31 - 1, ...limits }),
        );
        let left = [...crashes];
        let process = new MortalProcess(world, 3000, seed);
        const begin = () => {
          process.writesLeft = left[0] ?? Number.POSITIVE_INFINITY;
          left = left.slice(1);
          return world.start((context) => new JobController(context), process.client);
        };
        const job = () => world.client.jobs.get("default", "work");
        let stop = await begin();
        for (let round = 0; round < 400 && !isFinished(await job()); round++) {
          await settle();
          await observe();
          await world.kubelets();
          await observe();
          // Failures in a row are waited for up to ten minutes; no event is as late as the five minutes after which none is expected.
          for (let jump = 0; jump < (round % 8 === 7 ? 3 : 1); jump++) {
            world.clock.advance(round % 8 === 7 ? 200_000 : 1000);
            await settle();
          }
          if (!process.isDead) continue;
          await stop();
          process = new MortalProcess(world, 3000, seed + round);
          stop = await begin();
        }
        const { status } = await job();
        await world.stop();
        const count = (phase: string) => [...seen.values()].filter((it) => it === phase).length;
        expect(isFinished(await job()), "it ends").toBe(true);
        expect(status?.succeeded).toBe(completionMode === "Indexed" ? completions : count("Succeeded"));
        expect(status?.failed ?? 0).toBe(count("Failed"));
        expect(status?.uncountedTerminatedPods ?? {}).toEqual({});
        if (completionMode === "Indexed") {
          for (const [index, times] of successes) expect(times, `index ${index} succeeded once`).toBe(1);
        } else expect(status?.succeeded).toBe(completions);
      },
    ),
    { numRuns: 60 },
  );
});
