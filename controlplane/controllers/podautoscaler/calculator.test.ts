import { describe, expect, test } from "vitest";
import type { HorizontalPodAutoscalerSpec, Pod } from "../../api/mod.ts";
import { type History, limit, noHistory } from "./behavior.ts";
import { groupPods, type PodGroups, type PodMetrics } from "./pod-groups.ts";
import { forAverage, forShare, forUtilization, forValue } from "./replica-calculator.ts";

const tolerance = { up: 0.1, down: 0.1 };
const nowMs = Date.UTC(2030, 0, 1);

/** `measured`: thousandths of each ready pod. */
function population(measured: readonly number[], unready = 0, missing = 0): { groups: PodGroups; metrics: PodMetrics } {
  const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
  const ready = names("ready", measured.length);
  const metric = (milli: number) => ({ milli, atMs: nowMs, windowMs: 60_000 });
  return {
    groups: { ready, unready: names("unready", unready), missing: names("missing", missing), ignored: [] },
    metrics: new Map(ready.map((name, i) => [name, metric(measured[i] ?? 0)])),
  };
}

describe("towards a share of what is requested (each pod requests 1000m)", () => {
  const requests = new Map(
    ["ready", "unready", "missing"].flatMap((kind) => [0, 1, 2, 3, 4].map((i) => [`${kind}${i}`, 1000] as const)),
  );
  test.each<[string, number, number, number[], number, number, number]>([
    // what, current, target %, measured, unready, missing, expected
    ["up: 3 x 50/30", 3, 30, [300, 500, 700], 0, 0, 5],
    ["down: 5 x 28/50", 5, 50, [100, 300, 500, 250, 250], 0, 0, 3],
    ["within a tenth nothing changes", 3, 100, [1010, 1030, 1020], 0, 0, 3],
    ["just beyond a tenth it does", 3, 100, [1120, 1120, 1120], 0, 0, 4],
    ["pods that are not ready count as idle on the way up", 3, 30, [500, 700], 1, 0, 4],
    ["and not at all on the way down", 4, 50, [200, 200], 2, 0, 1],
    ["an unmeasured pod counts as idle on the way up", 4, 40, [600, 700, 800], 0, 1, 6],
    ["an unmeasured pod counts as busy on the way down", 4, 100, [300, 300, 300], 0, 1, 2],
    ["so that a change that would turn is none", 2, 60, [700], 0, 1, 2],
    ["missing ones alone never make more than there are", 4, 100, [200, 200], 0, 2, 3],
  ])("%s", (_, current, target, measured, unready, missing, expected) => {
    const { groups, metrics } = population(measured, unready, missing);
    expect(forUtilization(current, target, groups, metrics, requests, tolerance).replicas).toBe(expected);
  });

  test("what is measured of nobody says nothing", () => {
    const { groups, metrics } = population([], 3);
    expect(() => forUtilization(3, 50, groups, metrics, requests, tolerance)).toThrow(
      "did not receive metrics for targeted pods (pods might be unready)",
    );
  });
});

test("towards an average", () => {
  const { groups, metrics } = population([10_000, 20_000, 30_000]);
  expect(forAverage(3, 15_000, groups, metrics, tolerance)).toEqual({ replicas: 4, averageMilli: 20_000 });
});

test("towards one value, and towards each pod's share of one", () => {
  expect(forValue(3, 50_000, 100_000, 3, tolerance)).toBe(6);
  expect(forValue(3, 50_000, 51_000, 3, tolerance)).toBe(3);
  expect(forValue(0, 50_000, 120_000, 0, tolerance)).toBe(3);
  expect(forShare(3, 10_000, 62_000, tolerance)).toEqual({ replicas: 7, averageMilli: 20_667 });
  expect(forShare(6, 10_000, 61_000, tolerance).replicas).toBe(6);
});

describe("of CPU, a pod's measurement counts", () => {
  const readiness = { cpuInitializationMs: 300_000, initialReadinessDelayMs: 30_000 };
  const pod = (ageMs: number, ready: "True" | "False", sinceMs: number, phase = "Running"): Pod =>
    ({
      metadata: { name: "p" },
      spec: { containers: [] },
      status: {
        phase,
        startTime: new Date(nowMs - ageMs).toISOString(),
        conditions: [{ type: "Ready", status: ready, lastTransitionTime: new Date(nowMs - sinceMs).toISOString() }],
      },
    }) as Pod;
  test.each<[string, Pod, boolean, keyof PodGroups]>([
    ["old and ready", pod(600_000, "True", 500_000), true, "ready"],
    ["old, and unready since lately", pod(600_000, "False", 10_000), true, "ready"],
    ["old, and never ready", pod(600_000, "False", 595_000), true, "unready"],
    ["young, ready, measured since", pod(200_000, "True", 100_000), true, "ready"],
    ["young, ready, measured partly before", pod(200_000, "True", 30_000), true, "unready"],
    ["young and unready", pod(200_000, "False", 100_000), true, "unready"],
    ["pending", pod(1000, "False", 1000, "Pending"), true, "unready"],
    ["failed", pod(1000, "False", 1000, "Failed"), true, "ignored"],
    ["young and unready, of anything but CPU", pod(200_000, "False", 100_000), false, "ready"],
  ])("%s: %#", (_, it, isCpu, expected) => {
    const metrics = new Map([["p", { milli: 1, atMs: nowMs, windowMs: 60_000 }]]);
    expect(groupPods([it], metrics, isCpu, readiness, nowMs)[expected]).toEqual(["p"]);
  });

  test("one that is not measured is missing", () => {
    expect(groupPods([pod(1000, "True", 900)], new Map(), true, readiness, nowMs).missing).toEqual(["p"]);
  });
});

describe("limits", () => {
  const spec = (more: Partial<HorizontalPodAutoscalerSpec> = {}): HorizontalPodAutoscalerSpec => ({
    scaleTargetRef: { kind: "Deployment", name: "web" },
    minReplicas: 1,
    maxReplicas: 20,
    ...more,
  });
  const said = (replicas: number, secondsAgo: number): History => ({
    ...noHistory,
    recommendations: [{ replicas, atMs: nowMs - secondsAgo * 1000 }],
  });

  test("by default a target at most doubles, or becomes four", () => {
    expect(limit(spec(), 1, 15, noHistory, nowMs)).toMatchObject({ replicas: 4, limited: { reason: "ScaleUpLimit" } });
    expect(limit(spec(), 5, 15, noHistory, nowMs).replicas).toBe(10);
    expect(limit(spec({ maxReplicas: 6 }), 5, 15, noHistory, nowMs)).toMatchObject({
      replicas: 6,
      limited: { status: "True", reason: "TooManyReplicas" },
    });
  });

  test("downwards the highest recommendation of five minutes counts", () => {
    const { replicas, able } = limit(spec(), 10, 2, said(7, 200), nowMs);
    expect(replicas).toBe(7);
    expect(able.reason).toBe("ScaleDownStabilized");
    expect(limit(spec(), 10, 2, said(7, 301), nowMs).replicas).toBe(2);
  });

  test("upwards the lowest of its window", () => {
    const behavior = { scaleUp: { stabilizationWindowSeconds: 60 } };
    expect(limit(spec({ behavior }), 4, 8, said(5, 30), nowMs)).toMatchObject({
      replicas: 5,
      able: { reason: "ScaleUpStabilized" },
    });
  });

  test("policies count what was done within their period; Min takes the smallest change, Disabled none", () => {
    const policies = [
      { type: "Pods", value: 2, periodSeconds: 60 },
      { type: "Percent", value: 50, periodSeconds: 60 },
    ];
    const up = (selectPolicy: string) => spec({ behavior: { scaleUp: { policies, selectPolicy } } });
    expect(limit(up("Max"), 10, 20, noHistory, nowMs).replicas).toBe(15);
    expect(limit(up("Min"), 10, 20, noHistory, nowMs).replicas).toBe(12);
    expect(limit(up("Disabled"), 10, 20, noHistory, nowMs).replicas).toBe(10);
    const history = { ...noHistory, ups: [{ change: 3, atMs: nowMs - 30_000 }] };
    expect(limit(up("Max"), 10, 20, history, nowMs).replicas, "seven a minute ago, half more is eleven").toBe(11);
  });

  test("downwards too, never below the least", () => {
    const scaleDown = { stabilizationWindowSeconds: 0, policies: [{ type: "Pods", value: 3, periodSeconds: 60 }] };
    expect(limit(spec({ behavior: { scaleDown } }), 10, 1, noHistory, nowMs)).toMatchObject({
      replicas: 7,
      limited: { reason: "ScaleDownLimit" },
    });
    expect(limit(spec({ minReplicas: 9, behavior: { scaleDown } }), 10, 1, noHistory, nowMs)).toMatchObject({
      replicas: 9,
      limited: { reason: "TooFewReplicas" },
    });
  });
});
