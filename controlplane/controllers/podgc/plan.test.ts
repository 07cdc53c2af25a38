import { expect, test } from "vitest";
import type { Pod } from "../../api/mod.ts";
import { plan } from "./plan.ts";

interface Traits {
  readonly node?: string;
  readonly phase?: "Running" | "Succeeded" | "Failed";
  readonly created?: string;
  readonly deleted?: boolean;
}

function pod(name: string, { node, phase = "Running", created, deleted }: Traits = {}): Pod {
  const deletionTimestamp = deleted ? "2030-01-01T00:00:00Z" : undefined;
  return {
    metadata: { name, namespace: "default", creationTimestamp: created, deletionTimestamp },
    spec: { nodeName: node, containers: [] },
    status: { phase },
  };
}

function removed(pods: readonly Pod[], threshold = 0): string[] {
  return plan(pods, threshold, (node) => node === "gone").map(({ pod: it, why }) => `${it.metadata.name} ${why}`);
}

test("pods of nodes that are gone go, whatever their phase", () => {
  const pods = [pod("a", { node: "gone" }), pod("b", { node: "gone", phase: "Succeeded" }), pod("c", { node: "here" })];
  expect(removed(pods)).toEqual(["a orphaned", "b orphaned"]);
});

test("pods that were deleted before they had a node go; those that only wait for one stay", () => {
  expect(removed([pod("a", { deleted: true }), pod("b"), pod("c", { node: "here", deleted: true })])).toEqual([
    "a unscheduled",
  ]);
});

test("of finished pods beyond the threshold the oldest go", () => {
  const pods = ["03", "01", "02"].map((day) =>
    pod(day, { node: "here", phase: "Failed", created: `2030-01-${day}T00:00:00Z` }),
  );
  expect(removed(pods, 2)).toEqual(["01 terminated"]);
  expect(removed(pods, 0)).toEqual([]);
});

test("pods deleted on a node that is out of service go without its kubelet; those that were not deleted stay", () => {
  const pods = [
    pod("a", { node: "down", deleted: true }),
    pod("b", { node: "down" }),
    pod("c", { node: "here", deleted: true }),
  ];
  const garbage = plan(
    pods,
    0,
    () => false,
    (node) => node === "down",
  );
  expect(garbage.map(({ pod: it, why }) => `${it.metadata.name} ${why}`)).toEqual(["a out of service"]);
});
