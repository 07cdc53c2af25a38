import { describe, expect, test } from "vitest";
import { judge, judgeChange } from "./judge.testing.ts";

const template = { spec: { restartPolicy: "Never", containers: [{ name: "a", image: "b" }] } };
const indexed = { template, completionMode: "Indexed", completions: 10, parallelism: 2 };
const refused = (spec: object) => judge("batch/v1", "Job", { spec: { template, ...spec } });

describe("failure policies", () => {
  const at = "spec.podFailurePolicy.rules[0]";
  const rule = (fields: object) => refused({ podFailurePolicy: { rules: [{ action: "FailJob", ...fields }] } });
  const onExit = (fields: object) => rule({ onExitCodes: { operator: "In", values: [1], ...fields } });

  test("one that is fine", () => expect(onExit({ containerName: "a" })).toEqual([]));

  test.each<[string, string[], string[]]>([
    [
      "a rule about nothing",
      rule({}),
      [`${at}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required`],
    ],
    [
      "a rule without an action",
      rule({ action: "", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] }),
      [`${at}.action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]`],
    ],
    [
      "an index that fails without a limit of its own",
      rule({ action: "FailIndex", onExitCodes: { operator: "In", values: [1] } }),
      [`${at}.action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set`],
    ],
    [
      "a container that is not there",
      onExit({ containerName: "z" }),
      [
        `${at}.onExitCodes.containerName: Invalid value: "z": must be one of the container or initContainer names in the pod template`,
      ],
    ],
    [
      "success as failure",
      onExit({ values: [0] }),
      [`${at}.onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator`],
    ],
    [
      "codes in disorder",
      onExit({ values: [3, 2, 2] }),
      [
        `${at}.onExitCodes.values[2]: Duplicate value: 2`,
        `${at}.onExitCodes.values: Invalid value: [3,2,2]: must be ordered`,
      ],
    ],
    [
      "a condition in no state",
      rule({ onPodConditions: [{ type: "DisruptionTarget", status: "Maybe" }] }),
      [`${at}.onPodConditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"`],
    ],
    [
      "pods that may be restarted in place",
      refused({
        template: { spec: { ...template.spec, restartPolicy: "OnFailure" } },
        podFailurePolicy: { rules: [{ action: "Ignore", onExitCodes: { operator: "In", values: [1] } }] },
      }),
      [
        'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified',
      ],
    ],
    [
      "replacement before it is known how a pod ended",
      refused({
        podReplacementPolicy: "TerminatingOrFailed",
        podFailurePolicy: { rules: [{ action: "Ignore", onExitCodes: { operator: "In", values: [1] } }] },
      }),
      ['spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"'],
    ],
  ])("%s", (_, found, expected) => expect(found).toEqual(expected));
});

describe("success policies", () => {
  const at = "spec.successPolicy.rules[0]";
  const rule = (fields: object) => refused({ ...indexed, successPolicy: { rules: [fields] } });

  test.each<[string, string[], string[]]>([
    ["some indexes", rule({ succeededIndexes: "0-2,5", succeededCount: 2 }), []],
    [
      "nothing",
      rule({}),
      [`${at}: Required value: at least one of succeededCount or succeededIndexes must be specified`],
    ],
    [
      "an index too many",
      rule({ succeededIndexes: "8-10" }),
      [`${at}.succeededIndexes: Invalid value: "8-10": error parsing succeededIndexes: too large index: "10"`],
    ],
    [
      "indexes in disorder",
      rule({ succeededIndexes: "5,1-2" }),
      [
        `${at}.succeededIndexes: Invalid value: "5,1-2": error parsing succeededIndexes: non-increasing order, previous: 5, current: 1`,
      ],
    ],
    [
      "no number",
      rule({ succeededIndexes: "a" }),
      [
        `${at}.succeededIndexes: Invalid value: "a": error parsing succeededIndexes: cannot convert string to integer for index: "a"`,
      ],
    ],
    [
      "more than the indexes named",
      rule({ succeededIndexes: "1-2", succeededCount: 3 }),
      [
        `${at}.succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)`,
      ],
    ],
  ])("%s", (_, found, expected) => expect(found).toEqual(expected));

  test("without indexes there is none", () => {
    expect(refused({ successPolicy: { rules: [{ succeededCount: 1 }] } })).toEqual([
      'spec.successPolicy: Invalid value: {"rules":[{"succeededCount":1}]}: requires indexed completion mode',
    ]);
  });
});

describe("indexes", () => {
  test.each<[string, object, string[]]>([
    [
      "a limit of failed ones without one of each",
      { ...indexed, maxFailedIndexes: 1 },
      ["spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified"],
    ],
    [
      "more failed ones than there are",
      { ...indexed, backoffLimitPerIndex: 1, maxFailedIndexes: 11 },
      ["spec.maxFailedIndexes: Invalid value: 11: must be less than or equal to completions"],
    ],
    [
      "very many, all of which may fail",
      { ...indexed, completions: 100_001, backoffLimitPerIndex: 1 },
      ["spec.maxFailedIndexes: Required value: must be specified when completions is above 100000"],
    ],
    [
      "a manager without a domain",
      { managedBy: "me" },
      ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
  ])("%s", (_, spec, errors) => expect(refused(spec)).toEqual(errors));

  test("hosts named after the Job must have names", () => {
    const name = "a".repeat(62);
    expect(judge("batch/v1", "Job", { metadata: { name }, spec: indexed })).toEqual([
      `metadata.name: Invalid value: "${name}": will not able to create pod with invalid DNS label: must be no more than 63 characters`,
    ]);
  });

  test("they grow and shrink with the parallelism only", () => {
    const change = (patch: object) => judgeChange("batch/v1", "Job", { spec: indexed }, { spec: patch });
    expect(change({ completions: 5, parallelism: 5 })).toEqual([]);
    expect(change({ completions: 5 })).toEqual([
      "spec.completions: Invalid value: 5: can only be modified in tandem with spec.parallelism",
    ]);
  });
});

test("a CronJob's Jobs are judged before there are any", () => {
  const jobTemplate = { spec: { template, backoffLimitPerIndex: 1 } };
  expect(judge("batch/v1", "CronJob", { spec: { schedule: "* * * * *", jobTemplate } })).toEqual([
    "spec.jobTemplate.spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode",
  ]);
});
