import { describe, expect, test } from "vitest";
import type { Pod, ReplicaSet } from "../../api/mod.ts";
import { plan } from "./plan.ts";
import { nextAvailableMs, statusOf } from "./status.ts";

const nowMs = Date.UTC(2030, 0, 1, 12);

function ago(seconds: number): string {
  return `${new Date(nowMs - seconds * 1000).toISOString().slice(0, 19)}Z`;
}

function set(replicas: number, more: Partial<ReplicaSet["spec"]> = {}): ReplicaSet {
  return {
    metadata: { name: "rs", namespace: "default", uid: "rs", generation: 3 },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { name: "", labels: { app: "web" } } },
      ...more,
    },
  };
}

interface Traits {
  readonly node?: string;
  readonly phase?: "Pending" | "Running" | "Unknown";
  readonly readySeconds?: number;
  readonly ageSeconds?: number;
  readonly cost?: number;
  readonly restarts?: number;
}

function pod(
  name: string,
  { node = "n1", phase = "Running", readySeconds, ageSeconds = 100, cost, restarts = 0 }: Traits = {},
): Pod {
  const lastTransitionTime = ago(readySeconds ?? 0);
  return {
    metadata: {
      name,
      namespace: "default",
      labels: { app: "web" },
      creationTimestamp: ago(ageSeconds),
      annotations: cost === undefined ? {} : { "controller.kubernetes.io/pod-deletion-cost": String(cost) },
    },
    spec: { nodeName: node === "" ? undefined : node, containers: [] },
    status: {
      phase,
      conditions: [{ type: "Ready", status: readySeconds === undefined ? "False" : "True", lastTransitionTime }],
      containerStatuses: [{ name: "c", ready: true, restartCount: restarts, image: "x", imageID: "x" }],
    },
  };
}

test("too few: the rest is created, at most 500 at a time", () => {
  expect(plan(set(3), [pod("a")], [], nowMs)).toEqual({ kind: "create", count: 2 });
  expect(plan(set(2000), [], [], nowMs)).toEqual({ kind: "create", count: 500 });
  expect(plan(set(1), [pod("a")], [], nowMs)).toEqual({ kind: "steady" });
});

describe("too many: the one that would be missed least goes first", () => {
  const ready = { readySeconds: 60 };
  test.each<[string, Traits, Traits]>([
    ["without a node before with one", { node: "" }, { phase: "Pending" }],
    ["pending before unknown", { phase: "Pending" }, { phase: "Unknown" }],
    ["unknown before running", { phase: "Unknown" }, { phase: "Running" }],
    ["not ready before ready", {}, ready],
    ["cheap before dear", { ...ready, cost: -5 }, { ...ready, cost: 5 }],
    ["ready for seconds before ready for hours", { readySeconds: 5 }, { readySeconds: 7200 }],
    ["restarted often before seldom", { ...ready, restarts: 4 }, { ...ready, restarts: 1 }],
    ["young before old", { ...ready, ageSeconds: 70 }, { ...ready, ageSeconds: 70_000 }],
  ])("%s", (_, first, second) => {
    const pods = [pod("second", second), pod("first", first)];
    expect(plan(set(1), pods, pods, nowMs)).toMatchObject({ kind: "delete", pods: [{ metadata: { name: "first" } }] });
    expect(plan(set(1), [...pods].reverse(), pods, nowMs)).toMatchObject({ pods: [{ metadata: { name: "first" } }] });
  });

  test("on the crowded node before the lonely one, counting the pods of sibling sets", () => {
    const [here, there] = [pod("here", { ...ready, node: "full" }), pod("there", { ...ready, node: "free" })];
    const crowd = [here, there, pod("sibling", { ...ready, node: "full" })];
    expect(plan(set(1), [there, here], crowd, nowMs)).toMatchObject({ pods: [{ metadata: { name: "here" } }] });
  });
});

describe("the status", () => {
  test("counts pods, labelled, ready and available ones", () => {
    const stranger = pod("unlabelled", { readySeconds: 100 });
    stranger.metadata.labels = {};
    const pods = [pod("new", { readySeconds: 5 }), pod("unready"), stranger];
    expect(statusOf(set(3, { minReadySeconds: 10 }), pods, 1, undefined, nowMs)).toEqual({
      replicas: 3,
      fullyLabeledReplicas: 2,
      readyReplicas: 2,
      availableReplicas: 1,
      terminatingReplicas: 1,
      observedGeneration: 3,
    });
    expect(nextAvailableMs(set(3, { minReadySeconds: 10 }), pods, nowMs)).toBe(5000);
  });

  test("says that pods cannot be created, until they can", () => {
    const failure = { reason: "FailedCreate", message: "quota" } as const;
    const failing = statusOf(set(1), [], 0, failure, nowMs);
    expect(failing.conditions).toMatchObject([
      { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "quota" },
    ]);
    const healed = statusOf({ ...set(1), status: failing }, [pod("a")], 0, undefined, nowMs);
    expect(healed.conditions).toBeUndefined();
  });
});
