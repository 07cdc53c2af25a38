import { describe, expect, test } from "vitest";
import type { KubeObject, Pod } from "../../api/mod.ts";
import { type Budget, evictionRule, takeDisruption, withDisruptionTarget } from "./disruption.ts";

const NOW = Date.parse("2026-11-23T06:00:00Z");
const ready = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
const pod = (status: object = ready, metadata: object = {}) =>
  ({
    metadata: { name: "p", namespace: "shop", labels: { app: "web" }, ...metadata },
    spec: {},
    status,
  }) as unknown as Pod & KubeObject;
const budget = (status: object = {}, spec: object = { selector: { matchLabels: { app: "web" } } }) =>
  ({
    metadata: { name: "b", namespace: "shop", generation: 1 },
    spec,
    status: { observedGeneration: 1, ...status },
  }) as unknown as Budget;
const unhealthy = { phase: "Running", conditions: [{ type: "Ready", status: "False" }] };

describe("a pod is evicted", () => {
  test.each([
    ["that has ended: at once", pod({ phase: "Failed" }), [budget()], { kind: "delete", onlyIfUnchanged: false }],
    [
      "that is being deleted: at once",
      pod(ready, { deletionTimestamp: "2026-11-23T06:00:00Z" }),
      [budget()],
      { kind: "delete", onlyIfUnchanged: false },
    ],
    [
      "that has not started: if it still has not",
      pod({ phase: "Pending" }),
      [budget()],
      { kind: "delete", onlyIfUnchanged: true },
    ],
    [
      "that no budget is about: at once",
      pod(),
      [budget({}, { selector: { matchLabels: { app: "db" } } })],
      { kind: "delete", onlyIfUnchanged: false },
    ],
    ["that two budgets are about: not", pod(), [budget(), budget({}, { selector: {} })], { kind: "tooManyBudgets" }],
    ["of a budget without a selector: at once", pod(), [budget({}, {})], { kind: "delete", onlyIfUnchanged: false }],
  ])("%s", (_what, evicted, budgets, expected) => {
    expect(evictionRule(evicted, budgets)).toEqual(expected);
  });

  test("that is not ready only if enough others are, unless the budget does not mind", () => {
    const short = budget({ currentHealthy: 1, desiredHealthy: 2 });
    expect(evictionRule(pod(unhealthy), [short])).toEqual({ kind: "budget", budget: short });
    expect(evictionRule(pod(unhealthy), [budget({ currentHealthy: 2, desiredHealthy: 2 })]).kind).toBe("delete");
    const lenient = budget(
      { currentHealthy: 0, desiredHealthy: 2 },
      { selector: {}, unhealthyPodEvictionPolicy: "AlwaysAllow" },
    );
    expect(evictionRule(pod(unhealthy), [lenient])).toEqual({ kind: "delete", onlyIfUnchanged: true });
    expect(evictionRule(pod(), [lenient]).kind).toBe("budget");
  });
});

describe("a budget", () => {
  test("with room for one gives it, notes who got it, and says that it has no more", () => {
    const taken = takeDisruption(budget({ disruptionsAllowed: 1 }), "p", NOW);
    expect(taken.ok && taken.budget.status).toEqual({
      observedGeneration: 1,
      disruptionsAllowed: 0,
      disruptedPods: { p: "2026-11-23T06:00:00Z" },
      conditions: [
        {
          type: "DisruptionAllowed",
          status: "False",
          reason: "InsufficientPods",
          message: "",
          observedGeneration: 1,
          lastTransitionTime: "2026-11-23T06:00:00Z",
        },
      ],
    });
  });

  test.each([
    [
      { disruptionsAllowed: 0, desiredHealthy: 3, currentHealthy: 2 },
      429,
      "The disruption budget b needs 3 healthy pods and has 2 currently",
    ],
    [
      { observedGeneration: 0, disruptionsAllowed: 5 },
      429,
      "The disruption budget b is still being processed by the server.",
    ],
    [
      {
        disruptionsAllowed: 0,
        conditions: [{ type: "DisruptionAllowed", status: "False", reason: "SyncFailed", message: "no scale" }],
      },
      429,
      "The disruption budget b does not allow evicting pods currently because it failed sync: no scale",
    ],
  ])("%j refuses", (status, code, cause) => {
    const taken = takeDisruption(budget(status), "p", NOW);
    expect(taken).toMatchObject({
      ok: false,
      refused: {
        code,
        message: "Cannot evict pod as it would violate the pod's disruption budget.",
        reason: "TooManyRequests",
      },
    });
    expect(!taken.ok && taken.refused.details?.causes).toEqual([{ reason: "DisruptionBudget", message: cause }]);
  });

  test("that has not been looked at asks to come back in ten seconds", () => {
    const taken = takeDisruption(budget({ observedGeneration: 0 }), "p", NOW);
    expect(!taken.ok && taken.refused.details?.retryAfterSeconds).toBe(10);
  });

  test("that nobody keeps refuses everything", () => {
    const disruptedPods = Object.fromEntries(Array.from({ length: 2001 }, (_, i) => [`p${i}`, "2026-11-23T06:00:00Z"]));
    expect(takeDisruption(budget({ disruptedPods, disruptionsAllowed: 1 }), "p", NOW)).toMatchObject({
      refused: { code: 403 },
    });
    expect(takeDisruption(budget({ disruptionsAllowed: -1 }), "p", NOW)).toMatchObject({ refused: { code: 403 } });
  });
});

test("who is evicted is told why", () => {
  expect(withDisruptionTarget(pod(), NOW).status?.conditions).toContainEqual({
    type: "DisruptionTarget",
    status: "True",
    reason: "EvictionByEvictionAPI",
    message: "Eviction API: evicting",
    lastTransitionTime: "2026-11-23T06:00:00Z",
  });
});
