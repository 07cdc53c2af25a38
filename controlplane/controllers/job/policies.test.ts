import { describe, expect, test } from "vitest";
import type { Job, Pod, PodFailurePolicyRule } from "../../api/mod.ts";
import { judge } from "./failure-policy.ts";
import { successPolicyMet } from "./success-policy.ts";

function failed(exitCode: number, more: Partial<Pod["status"]> = {}): Pod {
  const state = { terminated: { exitCode } };
  const containerStatuses = [{ name: "main", ready: false, restartCount: 0, image: "", imageID: "", state }];
  return {
    metadata: { name: "p", namespace: "ns" },
    spec: { containers: [] },
    status: { phase: "Failed", containerStatuses, ...more },
  };
}

function job(spec: Partial<Job["spec"]>): Job {
  return { metadata: { name: "j" }, spec: { template: {}, ...spec } };
}

describe("a pod failure policy", () => {
  const exit = (operator: string, values: number[], containerName?: string) => ({
    onExitCodes: { operator, values, containerName },
  });
  test.each<[string, Omit<PodFailurePolicyRule, "action">, Pod, boolean]>([
    ["in the list", exit("In", [3, 42]), failed(42), true],
    ["not in the list", exit("In", [3]), failed(42), false],
    ["outside the list", exit("NotIn", [3]), failed(42), true],
    ["zero is no failure", exit("NotIn", [3]), failed(0), false],
    ["of this container", exit("In", [42], "main"), failed(42), true],
    ["of another container", exit("In", [42], "side"), failed(42), false],
    [
      "by condition",
      { onPodConditions: [{ type: "DisruptionTarget" }] },
      failed(1, { conditions: [{ type: "DisruptionTarget", status: "True" }] }),
      true,
    ],
    [
      "by a condition that does not hold",
      { onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
      failed(1, { conditions: [{ type: "DisruptionTarget", status: "False" }] }),
      false,
    ],
  ])("%s", (_, rule, pod, matches) => {
    const verdict = judge(job({ podFailurePolicy: { rules: [{ action: "Ignore", ...rule }] } }), pod);
    expect(verdict).toEqual(matches ? { action: "Ignore", counts: false } : { action: undefined, counts: true });
  });

  test("the first rule that matches decides, and says why", () => {
    const rules = [
      { action: "Count" as const, ...exit("In", [1]) },
      { action: "FailJob" as const, ...exit("In", [42]) },
      { action: "Ignore" as const, ...exit("In", [42]) },
    ];
    expect(judge(job({ podFailurePolicy: { rules } }), failed(42))).toEqual({
      action: "FailJob",
      counts: true,
      message: "Container main for pod ns/p failed with exit code 42 matching FailJob rule at index 1",
    });
  });
});

test.each([
  [[{ succeededIndexes: "0,2-3" }], [0, 2], undefined],
  [[{ succeededIndexes: "0,2-3" }], [0, 2, 3], "Matched rules at index 0"],
  [[{ succeededIndexes: "0-4", succeededCount: 2 }], [1, 3], "Matched rules at index 0"],
  [[{ succeededIndexes: "9" }, { succeededCount: 1 }], [5], "Matched rules at index 1"],
  [[{ succeededCount: 3 }], [5], undefined],
])("success policy %j with %j", (rules, succeeded, expected) => {
  expect(successPolicyMet(job({ completions: 10, successPolicy: { rules } }), new Set(succeeded))).toBe(expected);
});
