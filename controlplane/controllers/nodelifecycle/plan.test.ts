import { describe, expect, test } from "vitest";
import type { Lease, Node, Pod, Taint, Toleration } from "../../api/mod.ts";
import { evictionTimeMs } from "./eviction.ts";
import { hear, silentConditions } from "./health.ts";
import { PodCidrRange } from "./pod-cidr.ts";
import { taintsFor } from "./taints.ts";

const nowMs = Date.UTC(2030, 0, 1);
const options = { gracePeriodMs: 40_000, startupGracePeriodMs: 60_000 };

function node(ready: "True" | "False" | "Unknown" | undefined, taints: Taint[] = []): Node {
  const conditions =
    ready === undefined ? [] : [{ type: "Ready", status: ready, lastHeartbeatTime: "2030-01-01T00:00:00Z" }];
  return { metadata: { name: "n1" }, spec: { taints }, status: { conditions } };
}

function lease(renewTime: string): Lease {
  return { metadata: { name: "n1", namespace: "kube-node-lease" }, spec: { renewTime } };
}

describe("a node", () => {
  test("whose lease is renewed is heard of, however old its status", () => {
    const first = hear(undefined, node("True"), lease("t1"), 0);
    const renewed = hear(first, node("True"), lease("t2"), 39_000);
    expect(silentConditions(node("True"), renewed, options, 78_000, nowMs)).toBeUndefined();
  });

  test("that is silent for longer than the grace period is unknown in all it reported", () => {
    const first = hear(undefined, node("True"), lease("t1"), 0);
    const again = hear(first, node("True"), lease("t1"), 39_000);
    expect(silentConditions(node("True"), again, options, 40_000, nowMs)).toBeUndefined();
    const conditions = silentConditions(node("True"), again, options, 40_001, nowMs);
    expect(conditions).toMatchObject([
      {
        type: "Ready",
        status: "Unknown",
        reason: "NodeStatusUnknown",
        message: "Kubelet stopped posting node status.",
      },
      { type: "MemoryPressure", status: "Unknown", reason: "NodeStatusNeverUpdated" },
      { type: "DiskPressure", status: "Unknown" },
      { type: "PIDPressure", status: "Unknown" },
    ]);
  });

  test("that has never reported has longer", () => {
    const first = hear(undefined, node(undefined), undefined, 0);
    expect(silentConditions(node(undefined), first, options, 59_000, nowMs)).toBeUndefined();
    expect(silentConditions(node(undefined), first, options, 61_000, nowMs)?.[0]).toMatchObject({
      reason: "NodeStatusNeverUpdated",
      message: "Kubelet never posted node status.",
    });
  });
});

describe("taints", () => {
  const keys = (taints: Taint[]) =>
    taints.map(({ key, effect }) => `${key.replace("node.kubernetes.io/", "")} ${effect}`);

  test.each([
    ["True", true, []],
    ["False", true, ["not-ready NoSchedule", "not-ready NoExecute"]],
    ["Unknown", true, ["unreachable NoSchedule", "unreachable NoExecute"]],
    ["Unknown", false, ["unreachable NoSchedule"]],
  ] as const)("Ready %s, may evict %s: %j", (ready, mayEvict, expected) => {
    expect(keys(taintsFor(node(ready), mayEvict, nowMs))).toEqual(expected);
  });

  test("of others stay, ours go with their cause", () => {
    const others: Taint = { key: "example.com/gpu", effect: "NoSchedule" };
    const ours: Taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };
    expect(taintsFor(node("True", [others, ours]), true, nowMs)).toEqual([others]);
  });

  test("from not ready to unreachable the pods' time goes on", () => {
    const timeAdded = "2029-12-31T23:50:00Z";
    const before: Taint = { key: "node.kubernetes.io/not-ready", effect: "NoExecute", timeAdded };
    const after = taintsFor(node("Unknown", [before]), false, nowMs).find(({ effect }) => effect === "NoExecute");
    expect(after).toEqual({ key: "node.kubernetes.io/unreachable", effect: "NoExecute", timeAdded });
  });

  test("a cordoned node gets one too", () => {
    const cordoned = node("True");
    cordoned.spec = { unschedulable: true };
    expect(keys(taintsFor(cordoned, false, nowMs))).toEqual(["unschedulable NoSchedule"]);
  });
});

describe("a pod on a node with NoExecute taints", () => {
  const timeAdded = "2030-01-01T00:00:00Z";
  const taint: Taint = { key: "node.kubernetes.io/unreachable", effect: "NoExecute", timeAdded };
  const pod = (...tolerations: Toleration[]): Pod => ({
    metadata: { name: "p", creationTimestamp: "2029-12-31T00:00:00Z" },
    spec: { containers: [], tolerations },
  });
  const exists = { key: taint.key, operator: "Exists" as const };

  test.each<[string, Toleration[], number | undefined]>([
    ["tolerates nothing: leaves at once", [], 0],
    ["tolerates for ever: stays", [exists], undefined],
    ["tolerates 300 s: leaves then", [{ ...exists, tolerationSeconds: 300 }], nowMs + 300_000],
    [
      "the shortest toleration decides",
      [
        { ...exists, tolerationSeconds: 300 },
        { ...exists, tolerationSeconds: 5 },
      ],
      nowMs + 5000,
    ],
    ["tolerates everything: stays", [{ operator: "Exists" }], undefined],
    ["tolerates another effect: leaves", [{ ...exists, effect: "NoSchedule" }], 0],
    ["tolerates another value: leaves", [{ key: taint.key, value: "x" }], 0],
  ])("%s", (_, tolerations, expected) => {
    expect(evictionTimeMs(pod(...tolerations), node("Unknown", [taint]))).toBe(expected);
  });

  test("without such taints stays", () => {
    expect(evictionTimeMs(pod(), node("True", [{ key: "a", effect: "NoSchedule" }]))).toBeUndefined();
  });
});

describe("ranges of pod addresses", () => {
  test("are given in order, and again when they are free", () => {
    const range = new PodCidrRange("10.244.0.0/16", 24);
    expect(range.next(new Set())).toBe("10.244.0.0/24");
    expect(range.next(new Set(["10.244.0.0/24", "10.244.2.0/24"]))).toBe("10.244.1.0/24");
  });

  test("run out", () => {
    const range = new PodCidrRange("192.168.0.0/23", 24);
    expect(range.next(new Set(["192.168.0.0/24"]))).toBe("192.168.1.0/24");
    expect(range.next(new Set(["192.168.0.0/24", "192.168.1.0/24"]))).toBeUndefined();
  });

  test.each([
    ["10.244.0.0", 24],
    ["10.244.0.0/25", 24],
    ["300.0.0.0/16", 24],
  ])("%s with /%d is refused", (cidr, mask) => {
    expect(() => new PodCidrRange(cidr, mask)).toThrow(RangeError);
  });
});
