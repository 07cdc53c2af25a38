import { expect, test } from "vitest";
import { VirtualClock } from "../../../base/mod.ts";
import type { Probe } from "../../../controlplane/api/mod.ts";
import { container, instance, pod } from "../pod/pod.testing.ts";
import { type ProbeKind, type ProbeView, ProbeWorker } from "./probe-worker.ts";
import type { ProbeOutcome } from "./prober.ts";

const good: ProbeOutcome = { result: "success", output: "" };
const bad: ProbeOutcome = { result: "failure", output: "connection refused" };

/** A worker on a clock that moves only here. Each outcome is used once; the last one for ever. */
function probing(kind: ProbeKind, probe: Probe, outcomes: ProbeOutcome[], change: Partial<ProbeView> = {}) {
  const clock = new VirtualClock(0);
  const verdicts: string[] = [];
  const complaints: string[] = [];
  let attempts = 0;
  let view: ProbeView | undefined = {
    pod: pod(),
    instance: instance("main", "running", { startedAtMs: 0 }),
    podIP: "10.244.1.2",
    started: kind !== "startup",
    ...change,
  };
  const worker = new ProbeWorker({
    kind,
    container: container("main"),
    probe,
    clock,
    firstDelayMs: 0,
    prober: async () => {
      attempts++;
      return outcomes.length > 1 ? (outcomes.shift() as ProbeOutcome) : (outcomes[0] as ProbeOutcome);
    },
    view: () => view,
    onVerdict: (_id, verdict) => verdicts.push(verdict),
    onUnhealthy: (message) => complaints.push(message),
  });
  return {
    verdicts,
    complaints,
    worker,
    attempts: () => attempts,
    see: (next: ProbeView | undefined) => {
      view = next;
    },
    /** Moves time in steps of a second, letting what was started finish. */
    async pass(seconds: number) {
      for (let i = 0; i <= seconds; i++) {
        clock.advance(i === 0 ? 0 : 1000);
        for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      }
    },
  };
}

test("readiness starts as failure and needs its threshold of successes", async () => {
  const run = probing("readiness", { periodSeconds: 1, successThreshold: 2 }, [good]);
  await run.pass(0);
  expect(run.verdicts).toEqual(["failure"]);
  await run.pass(1);
  expect(run.verdicts).toEqual(["failure", "success"]);
});

test("liveness fails after its threshold of failures in a row, and then keeps quiet", async () => {
  const run = probing("liveness", { periodSeconds: 1, failureThreshold: 3 }, [bad, bad, good, bad]);
  await run.pass(4);
  expect(run.verdicts).toEqual(["success", "success"]);
  await run.pass(5);
  expect(run.verdicts).toEqual(["success", "success", "failure"]);
  expect(run.attempts()).toBe(6);
  expect(run.complaints[0]).toBe("Liveness probe failed: connection refused");
});

test("the period and the initial delay are kept", async () => {
  const run = probing("readiness", { periodSeconds: 5, initialDelaySeconds: 7 }, [good]);
  await run.pass(9);
  expect(run.attempts()).toBe(0);
  await run.pass(1);
  expect(run.attempts()).toBe(1);
  await run.pass(10);
  expect(run.attempts()).toBe(3);
});

test("before a container has started only its startup probe is asked", async () => {
  const liveness = probing("liveness", { periodSeconds: 1 }, [bad], { started: false });
  const startup = probing("startup", { periodSeconds: 1, failureThreshold: 10 }, [bad, bad, good]);
  await liveness.pass(5);
  await startup.pass(5);
  expect(liveness.attempts()).toBe(0);
  expect(startup.verdicts).toEqual(["unknown", "success"]);
  expect(startup.attempts()).toBe(3);
});

test("a new instance begins from the beginning", async () => {
  const run = probing("liveness", { periodSeconds: 1, failureThreshold: 1 }, [bad]);
  await run.pass(0);
  expect(run.verdicts).toEqual(["success", "failure"]);
  run.see({
    pod: pod(),
    instance: instance("main", "running", { id: "next", startedAtMs: 0 }),
    podIP: "",
    started: true,
  });
  await run.pass(1);
  expect(run.verdicts).toEqual(["success", "failure", "success", "failure"]);
});

test("an attempt that cannot be made is repeated at once and decides nothing", async () => {
  const run = probing("liveness", { periodSeconds: 10, failureThreshold: 1 }, [
    { result: "error", output: "no runtime" },
  ]);
  await run.pass(0);
  expect(run.attempts()).toBe(3);
  expect(run.verdicts).toEqual(["success"]);
  expect(run.complaints).toEqual(["Liveness probe errored and resulted in unknown state: no runtime"]);
});

test("a pod that ends is asked for readiness alone", async () => {
  const ending = pod({}, { deletionTimestamp: "2030-01-01T00:00:00Z" });
  const liveness = probing("liveness", { periodSeconds: 1 }, [bad], { pod: ending });
  const readiness = probing("readiness", { periodSeconds: 1 }, [good], { pod: ending });
  await liveness.pass(3);
  await readiness.pass(3);
  expect(liveness.attempts()).toBe(0);
  expect(readiness.attempts()).toBe(4);
});

test("a pod that is gone is not asked any more", async () => {
  const run = probing("readiness", { periodSeconds: 1 }, [good]);
  await run.pass(0);
  run.see(undefined);
  await run.pass(5);
  expect(run.attempts()).toBe(1);
});
