import { expect, test } from "vitest";
import { readSummary } from "./node-usage.ts";

const time = "2030-01-01T00:00:00Z";
const stats = (nanoCores: number | undefined, bytes: number) => ({
  cpu: { time, ...(nanoCores === undefined ? {} : { usageNanoCores: nanoCores }) },
  memory: { workingSetBytes: bytes },
});
const pod = (name: string, containers: object[]) => ({ podRef: { namespace: "default", name }, containers });

test("usage of a node and of the containers of its pods", () => {
  const text = JSON.stringify({ node: stats(5, 100), pods: [pod("a", [{ name: "main", ...stats(2, 50) }])] });
  expect(readSummary(text)).toEqual({
    node: { timestamp: time, nanoCores: 5, memoryBytes: 100 },
    pods: [
      {
        namespace: "default",
        name: "a",
        containers: [{ name: "main", timestamp: time, nanoCores: 2, memoryBytes: 50 }],
      },
    ],
  });
});

test("a pod half of which is not measured yet is not told of at all", () => {
  const half = pod("half", [
    { name: "old", ...stats(2, 50) },
    { name: "new", ...stats(undefined, 50) },
  ]);
  expect(readSummary(JSON.stringify({ node: stats(undefined, 1), pods: [half, pod("none", [])] }))).toEqual({
    node: undefined,
    pods: [],
  });
});
