import fc from "fast-check";
import type { PodDisruptionBudget } from "../../../api/mod.ts";
import type { ClusterObjects } from "../../mod.ts";
import { few, rarely, selector } from "./parts.testing.ts";

export const namespaces = ["default", "other", "third"].map((name, i) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels: i === 0 ? { team: "a" } : i === 1 ? { team: "b" } : {} },
}));

/** Whoever made the pod, and Services that choose it: they say which pods are its siblings when nothing else does. */
export const owners = {
  services: [
    { kind: "Service", metadata: { name: "web", namespace: "default" }, spec: { selector: { app: "web" } } },
    { kind: "Service", metadata: { name: "tier", namespace: "default" }, spec: { selector: { tier: "front" } } },
    { kind: "Service", metadata: { name: "none", namespace: "default" }, spec: {} },
  ].map((one) => ({ apiVersion: "v1", ...one })),
  replicaSets: [
    {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: { name: "web", namespace: "default" },
      spec: { selector: { matchExpressions: [{ key: "app", operator: "In", values: ["web"] }] } },
    },
  ],
  statefulSets: [
    {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name: "db", namespace: "default" },
      spec: { serviceName: "db", selector: { matchLabels: { app: "db" } } },
    },
  ],
  replicationControllers: [
    {
      apiVersion: "v1",
      kind: "ReplicationController",
      metadata: { name: "rc", namespace: "default" },
      spec: { selector: { version: "1" } },
    },
  ],
} as unknown as Pick<ClusterObjects, "services" | "replicaSets" | "statefulSets" | "replicationControllers">;

export const budgets: fc.Arbitrary<PodDisruptionBudget[]> = few(
  fc.record({ selector, allowed: fc.nat(2), gone: rarely(fc.constantFrom("p0", "p3"), 4) }),
  2,
).map((all) =>
  all.map(({ selector, allowed, gone }, i) => ({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: `b${i}`, namespace: "default" },
    spec: { selector },
    status: {
      disruptionsAllowed: allowed,
      currentHealthy: 0,
      desiredHealthy: 0,
      expectedPods: 0,
      ...(gone ? { disruptedPods: { [gone]: "2026-01-01T00:00:00Z" } } : {}),
    },
  })),
) as fc.Arbitrary<PodDisruptionBudget[]>;
