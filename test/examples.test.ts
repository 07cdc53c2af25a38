import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Ground, prepareGround } from "../scripts/examples/ground.ts";
import { type Example, readExamples } from "../scripts/examples/read-example.ts";
import { runExample } from "../scripts/examples/run-example.ts";

// Those that may share one cluster at the same time; `npm run examples` runs the others too, and on every runtime.
const startsCluster = ({ steps }: Example) => steps.some(({ command }) => command.startsWith("bin/flotilla up"));
const examples = readExamples().filter((example) => !example.alone && !startsCluster(example));
let ground: Ground;
beforeAll(async () => {
  ground = await prepareGround("namespaces");
});
afterAll(() => ground.remove());

describe.concurrent("what the README of an example promises is seen:", () => {
  test.each(examples.map((example) => [example.name, example] as const))(
    "%s",
    async (_, example) => {
      const { failure } = await runExample(example, ground);
      if (failure !== undefined) throw new Error(failure);
    },
    240_000,
  );
});

test("a promise that is not kept fails with the line, what was promised and what was seen, and nothing stays", async () => {
  const wrong: Example = {
    ...{ name: "wrong", directory: "", title: "Wrong", capability: "network", alone: false, notOn: {} },
    steps: [
      { command: "kubectl create configmap kept --from-literal=a=b", promise: ["configmap/kept created"], line: 7 },
      { command: "echo black", promise: ["white"], line: 9 },
    ],
    afterwards: [],
  };
  const { failure } = await runExample(wrong, ground);
  expect(failure).toContain("README.md:9\n$ echo black\n--- promised\nwhite\n--- seen (exit code 0)\nblack\n");
  const again = await runExample({ ...wrong, steps: wrong.steps.slice(0, 1) }, ground);
  expect(again.failure).toBeUndefined();
});
