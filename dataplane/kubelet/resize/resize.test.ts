import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Container, Node } from "../../../controlplane/api/mod.ts";
import { container, instance, pod } from "../pod/pod.testing.ts";
import { limitsOf } from "../pod/resources.ts";
import { Allocations } from "./allocations.ts";
import { containerResize, resourcesInForce } from "./container-resize.ts";
import { planResize } from "./plan-resize.ts";

const node: Node = {
  metadata: { name: "n" },
  spec: {},
  status: { allocatable: { cpu: "4", memory: "4Gi", pods: "110" } },
};
const sized = (cpu: string, memory = "1Gi", change: Partial<Container> = {}): Container =>
  container("main", { resources: { requests: { cpu, memory }, limits: { cpu, memory } }, ...change });
const web = (cpu: string) => pod({ containers: [sized(cpu)] });
const other = (cpu: string) => pod({ containers: [sized(cpu)] }, { name: "other", uid: "u2" });

test.each([
  ["what it has already", "1", [], { kind: "nothing to do" }],
  ["more, and there is more", "2", [other("2")], { kind: "grant" }],
  [
    "more than others leave",
    "3",
    [other("2")],
    {
      kind: "pending",
      reason: "Deferred",
      message: "Node didn't have enough resource: cpu, requested: 3000, used: 2000, capacity: 4000",
    },
  ],
  [
    "more than the node has",
    "5",
    [],
    {
      kind: "pending",
      reason: "Infeasible",
      message: "Node didn't have enough capacity: cpu, requested: 5000, used: 0, capacity: 4000",
    },
  ],
])("a pod that wishes for %s", (_, wish, others, verdict) => {
  expect(planResize(web(wish), web("1"), node, others)).toEqual(verdict);
});

test("what was granted outlives the kubelet, and no wish is taken for a grant", () => {
  const rootDir = mkdtempSync(join(tmpdir(), "flotilla-resize-"));
  try {
    const first = new Allocations(rootDir);
    expect(first.granted(web("1"))).toEqual(web("1"));
    first.grant(web("1"));
    expect(new Allocations(rootDir).granted(web("3"))).toEqual(web("1"));
  } finally {
    rmSync(rootDir, { recursive: true });
  }
});

const running = (before: Container) => instance("main", "running", { resources: limitsOf(before) });

test("a container is told of what changed, and restarts only where its policy wants that", () => {
  expect(containerResize(sized("1"), running(sized("1")))).toEqual({ kind: "nothing" });
  expect(containerResize(sized("2"), running(sized("1")))).toEqual({
    kind: "update",
    resources: { cpuShares: 2048, cpuQuota: 200_000, cpuPeriod: 100_000 },
  });
  expect(containerResize(sized("1", "2Gi"), running(sized("1")))).toEqual({
    kind: "update",
    resources: { memoryLimitInBytes: 2 ** 31 },
  });
  const resizePolicy: Container["resizePolicy"] = [{ resourceName: "memory", restartPolicy: "RestartContainer" }];
  expect(containerResize(sized("1", "2Gi", { resizePolicy }), running(sized("1")))).toEqual({ kind: "restart" });
  expect(containerResize(sized("2", "1Gi", { resizePolicy }), running(sized("1"))).kind).toBe("update");
});

test("an engine that does not tell what is in force is left alone", () => {
  expect(containerResize(sized("2"), instance("main", "running"))).toEqual({ kind: "nothing" });
});

test("until it has what it was granted, the status shows what is in force", () => {
  expect(resourcesInForce(sized("2", "2Gi"), running(sized("1", "1Gi")))).toEqual({
    requests: { cpu: "1", memory: "2Gi" },
    limits: { cpu: "1", memory: "1Gi" },
  });
  expect(resourcesInForce(sized("1500m"), running(sized("1500m")))).toEqual(sized("1500m").resources);
});
