import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CronJob, Job } from "../../api/mod.ts";
import { settle } from "../../client/elapse.testing.ts";
import { isNotFound, timestamp } from "../../client/mod.ts";
import { TestCluster, webTemplate } from "../common/cluster.testing.ts";
import { MortalProcess } from "../common/mortal-process.testing.ts";
import { CronJobController } from "./controller.ts";
import { scheduledAnnotation } from "./plan.ts";

let cluster: TestCluster;
beforeEach(() => {
  cluster = new TestCluster();
});
afterEach(() => cluster.stop());

function report(spec: Partial<CronJob["spec"]> = {}): CronJob {
  return {
    metadata: { name: "report", namespace: "default" },
    spec: {
      schedule: "*/5 * * * *",
      concurrencyPolicy: "Allow",
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
      jobTemplate: { metadata: { labels: { app: "report" } }, spec: { template: webTemplate() } },
      ...spec,
    },
  };
}

async function start(spec: Partial<CronJob["spec"]> = {}): Promise<() => Promise<void>> {
  const stop = await cluster.start((context) => new CronJobController(context, "UTC"));
  await cluster.client.cronJobs.create(report(spec));
  await settle();
  return stop;
}

async function minutes(count: number, stepMs = 30_000): Promise<void> {
  for (let passed = 0; passed < count * 60_000; passed += stepMs) {
    cluster.clock.advance(stepMs);
    await settle();
  }
}

async function jobs(): Promise<Job[]> {
  return (await cluster.client.jobs.list()).items;
}

async function finish(job: Job, type: "Complete" | "Failed" = "Complete"): Promise<void> {
  const now = timestamp(cluster.clock.now());
  const conditions = [{ type, status: "True" as const, lastTransitionTime: now }];
  const status = {
    conditions,
    startTime: job.metadata.creationTimestamp,
    ...(type === "Complete" ? { completionTime: now } : {}),
  };
  await cluster.client.jobs.updateStatus({ ...job, status }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
  await settle();
}

async function theStatus() {
  return (await cluster.client.cronJobs.get("default", "report")).status;
}

const scheduled = (all: readonly Job[]) =>
  all.map(({ metadata }) => metadata.annotations?.[scheduledAnnotation]?.slice(11, 16));

test("a Job at each time, named after its minute, remembered while it runs", async () => {
  await start();
  await minutes(11);
  const all = await jobs();
  expect(scheduled(all)).toEqual(["00:05", "00:10"]);
  expect(all[0]?.metadata).toMatchObject({
    name: `report-${Date.UTC(2030, 0, 1, 0, 5) / 60_000}`,
    labels: { app: "report" },
    annotations: { [scheduledAnnotation]: "2030-01-01T00:05:00Z" },
    ownerReferences: [{ kind: "CronJob", name: "report", controller: true }],
  });
  expect((await theStatus())?.active?.map(({ name }) => name)).toEqual(all.map(({ metadata }) => metadata.name));
  expect((await theStatus())?.lastScheduleTime).toBe("2030-01-01T00:10:00Z");
  await finish(all[0] as Job);
  expect((await theStatus())?.active).toHaveLength(1);
  expect((await theStatus())?.lastSuccessfulTime).toBe("2030-01-01T00:11:00Z");
  expect(await cluster.eventsAbout("report")).toContain(
    `SawCompletedJob: Saw completed job: ${all[0]?.metadata.name}, condition: Complete`,
  );
});

test("the zone's own time is what counts, and what the Job is told", async () => {
  await start({ schedule: "30 5 * * *", timeZone: "Asia/Kolkata" });
  await minutes(25 * 60, 600_000);
  const [job] = await jobs();
  expect(job?.metadata.annotations?.[scheduledAnnotation]).toBe("2030-01-02T05:30:00+05:30");
});

describe("while a Job still runs", () => {
  test("Forbid starts none", async () => {
    await start({ concurrencyPolicy: "Forbid" });
    await minutes(21);
    expect(scheduled(await jobs())).toEqual(["00:05"]);
    expect(await cluster.eventsAbout("report")).toContain(
      "JobAlreadyActive: Not starting job because prior execution is running and concurrency policy is Forbid",
    );
    await finish((await jobs())[0] as Job);
    // The newest time that passed meanwhile is made up for, at once.
    expect(scheduled(await jobs())).toEqual(["00:05", "00:20"]);
  });
  test("Replace ends it", async () => {
    await start({ concurrencyPolicy: "Replace" });
    await minutes(11);
    expect(scheduled(await jobs())).toEqual(["00:10"]);
    expect((await theStatus())?.active).toHaveLength(1);
  });
});

describe("after a pause", () => {
  test("only the newest missed time is made up for", async () => {
    const stop = await start();
    await stop();
    await minutes(23);
    await cluster.start((context) => new CronJobController(context, "UTC"));
    expect(scheduled(await jobs())).toEqual(["00:20"]);
  });
  test("more than a hundred missed times are said", async () => {
    const stop = await start({ schedule: "* * * * *" });
    await stop();
    await minutes(200, 600_000);
    await cluster.start((context) => new CronJobController(context, "UTC"));
    expect(scheduled(await jobs())).toEqual(["03:20"]);
    expect((await cluster.eventsAbout("report")).join()).toContain("TooManyMissedTimes: too many missed start times");
  });
  test("a time past its deadline is let go", async () => {
    const stop = await start({ startingDeadlineSeconds: 60 });
    await stop();
    await minutes(23);
    await cluster.start((context) => new CronJobController(context, "UTC"));
    expect(await jobs()).toEqual([]);
    expect(await cluster.eventsAbout("report")).toContain(
      "MissSchedule: Missed scheduled time to start a job: 2030-01-01T00:20:00Z",
    );
  });
  test("of its own: suspended it starts nothing", async () => {
    await start({ suspend: true });
    await minutes(11);
    expect(await jobs()).toEqual([]);
  });
});

test("finished Jobs stay as long as the limits say", async () => {
  await start({ successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: 1 });
  for (let i = 0; i < 6; i++) {
    await minutes(5);
    for (const job of await jobs())
      if (job.status === undefined) await finish(job, i % 3 === 2 ? "Failed" : "Complete");
  }
  // 00:05 and the failed 00:10 are forgotten; 00:30 runs.
  expect(scheduled(await jobs())).toEqual(["00:15", "00:20", "00:25", "00:30"]);
});

test("what cannot be read is said", async () => {
  await start({ schedule: "61 * * * *" });
  await minutes(2);
  expect(await cluster.eventsAbout("report")).toContain(
    'UnparseableSchedule: unparseable schedule: "61 * * * *" : end of range (61) above maximum (59): 61',
  );
});

test("whenever the controller crashes, and whoever comes after: every time has one Job, none two", async () => {
  const step = fc.record({
    waitMs: fc.integer({ min: 1000, max: 50_000 }),
    writes: fc.option(fc.nat(4), { freq: 2 }),
    finish: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 40 }),
      fc.constantFrom("Allow" as const, "Forbid" as const, "Replace" as const),
      async (steps, concurrencyPolicy) => {
        cluster = new TestCluster();
        let process = new MortalProcess(cluster);
        const begin = () => cluster.start((context) => new CronJobController(context, "UTC"), process.client);
        let stop = await begin();
        await cluster.client.cronJobs.create(
          report({ schedule: "* * * * *", concurrencyPolicy, successfulJobsHistoryLimit: 1 }),
        );
        const seen = new Map<string, Set<string>>();
        const look = async () => {
          for (const { metadata } of await jobs()) {
            const time = metadata.annotations?.[scheduledAnnotation] ?? "";
            seen.set(time, (seen.get(time) ?? new Set()).add(metadata.uid ?? ""));
          }
        };
        for (const { waitMs, writes, finish: ends } of steps) {
          process.writesLeft = writes ?? Number.POSITIVE_INFINITY;
          cluster.clock.advance(waitMs);
          await settle();
          await look();
          if (process.isDead) {
            await stop();
            process = new MortalProcess(cluster);
            stop = await begin();
            await look();
          }
          const running = (await jobs()).filter(({ status }) => status === undefined);
          if (concurrencyPolicy === "Forbid") expect(running.length).toBeLessThanOrEqual(1);
          if (ends || concurrencyPolicy === "Forbid") for (const job of running) await finish(job);
          await look();
        }
        await cluster.stop();
        for (const [time, uids] of seen) expect(uids.size, `${time} was served once`).toBe(1);
        const endMs = cluster.clock.now();
        for (let at = Date.UTC(2030, 0, 1, 0, 1); at + 50_000 < endMs; at += 60_000) {
          expect([...seen.keys()], "no time is skipped").toContain(timestamp(at));
        }
      },
    ),
    { numRuns: 40 },
  );
});
