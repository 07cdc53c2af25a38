import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Job, Pod } from "../../api/mod.ts";
import { trackingFinalizer } from "./accounting.ts";
import { formatIndexes, parseIndexes } from "./indexes.ts";
import { isFinished } from "./outcome.ts";
import { type Creation, type Plan, plan } from "./plan.ts";
import { podFor } from "./pod-template.ts";

const startMs = Date.UTC(2030, 0, 1);

function job(spec: Partial<Job["spec"]>): Job {
  const template = { spec: { restartPolicy: "Never" as const, containers: [{ name: "c", image: "x" }] } };
  return { metadata: { name: "work", namespace: "default", uid: "job" }, spec: { template, backoffLimit: 6, ...spec } };
}

/** Job, pods and what the controller remembers; `crash` forgets the latter, and any step may be cut off after any write. */
class World {
  job: Job;
  pods: Pod[] = [];
  released = new Set<string>();
  nowMs = startMs;
  #uids = 0;

  constructor(spec: Partial<Job["spec"]>) {
    this.job = job(spec);
  }

  decide(): Plan {
    const { pods, released, nowMs } = this;
    return plan({ job: this.job, pods, released, cacheIsFresh: true, nowMs });
  }

  /** Carries a plan out as the controller does; stops after so many writes, as if it had crashed. */
  step(writes = Number.POSITIVE_INFINITY): void {
    const decided = isFinished(this.job) ? undefined : this.decide();
    if (decided === undefined) return;
    let left = writes;
    const write = (change: () => void) => {
      if (left-- > 0) change();
    };
    write(() => {
      this.job = { ...this.job, status: structuredClone(decided.status) };
    });
    const loose = decided.uncounted ? decided.remove : [];
    for (const pod of [...decided.release, ...loose]) write(() => this.#release(pod));
    for (const pod of decided.remove) write(() => this.#delete(pod));
    for (const creation of decided.create) write(() => this.#create(creation));
    if (left < 0) this.released.clear();
  }

  end(choice: number, phase: "Succeeded" | "Failed"): void {
    const running = this.pods.filter(({ status }) => status?.phase === "Running");
    const pod = running[choice % Math.max(1, running.length)];
    if (pod !== undefined) this.#put({ ...pod, status: { phase } });
    this.#collect();
  }

  #release(pod: Pod): void {
    const current = this.pods.find(({ metadata }) => metadata.uid === pod.metadata.uid);
    if (current === undefined) return;
    const finalizers = current.metadata.finalizers?.filter((it) => it !== trackingFinalizer);
    this.#put({ ...current, metadata: { ...current.metadata, finalizers } });
    this.released.add(pod.metadata.uid ?? "");
    this.#collect();
  }

  #delete(pod: Pod): void {
    const current = this.pods.find(({ metadata }) => metadata.uid === pod.metadata.uid);
    if (current === undefined) return;
    this.#put({ ...current, metadata: { ...current.metadata, deletionTimestamp: "2030-01-01T00:00:00Z" } });
    this.#collect();
  }

  #create({ index, failed }: Creation): void {
    const pod = podFor(this.job, index, failed);
    this.pods = [
      ...this.pods,
      { ...pod, metadata: { ...pod.metadata, uid: `p${++this.#uids}` }, status: { phase: "Running" } },
    ];
  }

  /** A deleted pod is gone once nothing holds it. */
  #collect(): void {
    this.pods = this.pods.filter(
      ({ metadata }) => metadata.deletionTimestamp === undefined || (metadata.finalizers ?? []).length > 0,
    );
  }

  #put(pod: Pod): void {
    this.pods = this.pods.map((other) => (other.metadata.uid === pod.metadata.uid ? pod : other));
  }
}

function reasons(world: World): string[] {
  return (world.job.status?.conditions ?? []).map(({ type, reason }) => `${type} ${reason}`);
}

describe("how many pods run", () => {
  test.each([
    [{ completions: 5, parallelism: 2 }, 0, 2],
    [{ completions: 5, parallelism: 2 }, 4, 1],
    [{ completions: 5, parallelism: 10 }, 0, 5],
    [{ completions: undefined, parallelism: 3 }, 0, 3],
    [{ completions: undefined, parallelism: 3 }, 1, 0],
    [{ completions: 3, parallelism: 0 }, 0, 0],
  ])("%j, %d succeeded: %d", (spec, succeeded, expected) => {
    const world = new World(spec);
    world.job.status = { succeeded };
    expect(world.decide().create).toHaveLength(expected);
  });

  test("less parallelism than runs: the surplus goes and counts as nothing", () => {
    const world = new World({ completions: 5, parallelism: 3 });
    world.step();
    world.job.spec.parallelism = 1;
    world.step();
    world.step();
    expect(world.pods).toHaveLength(1);
    expect(world.job.status?.failed ?? 0).toBe(0);
  });
});

describe("after failures", () => {
  test("new pods wait 10 s, then 20, 40, …", () => {
    const world = new World({ completions: 1 });
    world.step();
    for (const waitMs of [10_000, 20_000, 40_000]) {
      const finishedAt = `${new Date(world.nowMs).toISOString().slice(0, 19)}Z`;
      const state = { terminated: { exitCode: 1, finishedAt } };
      const containerStatuses = [{ name: "c", ready: false, restartCount: 0, image: "", imageID: "", state }];
      world.pods = world.pods.map((pod) =>
        pod.status?.phase === "Running" ? { ...pod, status: { phase: "Failed", containerStatuses } } : pod,
      );
      world.step();
      expect(world.decide()).toMatchObject({ create: [], afterMs: waitMs });
      world.nowMs += waitMs;
      expect(world.decide().create).toHaveLength(1);
      world.step();
    }
  });

  test("more than the limit: the Job fails, and ends only when nothing runs any more", () => {
    const world = new World({ completions: 3, parallelism: 3, backoffLimit: 0 });
    world.step();
    world.end(0, "Failed");
    world.step();
    expect(reasons(world)).toEqual(["FailureTarget BackoffLimitExceeded"]);
    for (let i = 0; i < 4; i++) world.step();
    expect(reasons(world)).toEqual(["FailureTarget BackoffLimitExceeded", "Failed BackoffLimitExceeded"]);
    expect(world.job.status).toMatchObject({ failed: 3 });
  });
});

test("past its deadline a Job fails", () => {
  const world = new World({ completions: 1, activeDeadlineSeconds: 30 });
  world.step();
  expect(world.decide().afterMs).toBe(30_000);
  world.nowMs += 30_000;
  for (let i = 0; i < 4; i++) world.step();
  expect(reasons(world)).toContain("Failed DeadlineExceeded");
});

test("an indexed pod is told its index in every way that programs look for it", () => {
  const pod = podFor(job({ completions: 3, completionMode: "Indexed" }), 2);
  expect(pod.metadata).toMatchObject({
    generateName: "work-2-",
    labels: { "batch.kubernetes.io/job-completion-index": "2" },
    annotations: { "batch.kubernetes.io/job-completion-index": "2" },
  });
  expect(pod.spec.hostname).toBe("work-2");
  expect(pod.spec.containers[0]?.env?.[0]?.name).toBe("JOB_COMPLETION_INDEX");
});

test("indexes are written as ranges and read back", () => {
  expect(formatIndexes([7, 1, 3, 4, 5])).toBe("1,3-5,7");
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(50)), (indexes) => {
      expect([...parseIndexes(formatIndexes(indexes), 51)]).toEqual(indexes.sort((a, b) => a - b));
    }),
  );
});

test("whatever ends whenever, and wherever the controller crashes: every pod is counted once", () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant("step" as const), writes: fc.constant(Number.POSITIVE_INFINITY) }),
    fc.record({ kind: fc.constant("step" as const), writes: fc.nat(6) }),
    fc.record({ kind: fc.constant("Succeeded" as const), which: fc.nat(9) }),
    fc.record({ kind: fc.constant("Failed" as const), which: fc.nat(9) }),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom("NonIndexed" as const, "Indexed" as const),
      fc.array(event, { maxLength: 60 }),
      (completions, parallelism, completionMode, events) => {
        const world = new World({ completions, parallelism, completionMode, backoffLimit: 1000 });
        let succeeded = 0;
        let failed = 0;
        for (const it of events) {
          world.nowMs += 1_000_000;
          if (it.kind === "step") world.step(it.writes);
          else {
            const running = world.pods.filter(({ status }) => status?.phase === "Running").length;
            if (running > 0) it.kind === "Succeeded" ? succeeded++ : failed++;
            world.end(it.which, it.kind);
          }
          const { status } = world.job;
          expect(status?.succeeded ?? 0, "no success is counted twice").toBeLessThanOrEqual(succeeded);
          expect(status?.failed ?? 0, "no failure is counted twice").toBeLessThanOrEqual(failed);
        }
        for (let i = 0; i < 100 && !isFinished(world.job); i++) {
          world.nowMs += 1_000_000;
          world.step();
          for (const { status } of [...world.pods])
            if (status?.phase === "Running") {
              succeeded++;
              world.end(0, "Succeeded");
            }
        }
        expect(isFinished(world.job), "it ends").toBe(true);
        const distinct = completionMode === "Indexed" ? completions : succeeded;
        expect(world.job.status?.succeeded).toBe(distinct);
        expect(world.job.status?.failed ?? 0).toBe(failed);
      },
    ),
    { numRuns: 400 },
  );
});
