import { describe, expect, test } from "vitest";
import { isKept, onlyLooks } from "./promise.ts";

describe("what was promised and what was said", () => {
  const cases: [promise: string, output: string, kept: boolean][] = [
    ["pod/a created", "pod/a created\n", true],
    ["pod/a created", "pod/b created\n", false],
    ["NAME READY\na 1/1", "NAME   READY\na      1/1\n", true],
    ["pod/a-... created", "pod/a-7d9f created\n", true],
    ["at 10.96....:80", "at 10.96.1.2:80\n", true],
    ["a", "a\nb\n", false],
    ["a\n...", "a\nb\nc\n", true],
    ["a\n...", "a\n", true],
    ["...\nc", "a\nb\nc\n", true],
    ["...\nc", "a\nb\n", false],
    ["...\nb\n...\nd", "a\nb\nc\nd\n", true],
    ["...\nd\n...\nb", "a\nb\nc\nd\n", false],
    ["cost: $1 (a|b)", "cost: $1 (a|b)", true],
  ];
  test.each(cases)("%j of %j: %j", (promise, output, kept) => {
    expect(isKept(promise.split("\n"), output)).toBe(kept);
  });
});

test("looking may be repeated, changing may not", () => {
  for (const command of ["kubectl get pods", "kubectl -n kube-system logs x", "bin/flotilla explain pod a"])
    expect(onlyLooks(command), command).toBe(true);
  for (const command of ["kubectl apply -f x", "kubectl delete pod get", "kubectl rollout undo deployment/get"])
    expect(onlyLooks(command), command).toBe(false);
});
