import { describe, expect, test } from "vitest";
import { applyDefaults, prepareForCreate, prepareForUpdate } from "../lifecycle/lifecycle.ts";
import type { KubeObject, Resource } from "../resources/resource.ts";
import { findKind, servedResources } from "../resources/served.ts";
import { decode } from "../schema/decode.ts";

const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "main", image: "busybox:1" }] } };

function resourceOf(apiVersion: string, kind: string): Resource {
  const [version, group] = apiVersion.split("/").reverse() as [string, string?];
  return findKind(group ?? "", version, kind)!;
}

function defaulted(apiVersion: string, kind: string, value: object): KubeObject {
  const resource = resourceOf(apiVersion, kind);
  const result = decode(resource.schema, { ...value, metadata: { name: "x" } });
  if (!result.ok) throw new Error(result.message);
  const object = result.object as unknown as KubeObject;
  applyDefaults(resource, object);
  return object;
}

describe("what is given unasked", () => {
  const doubling = { type: "Percent", value: 100, periodSeconds: 15 };
  const target = { kind: "Deployment", name: "web" };

  test.each<[string, string, object, object]>([
    [
      "apps/v1",
      "DaemonSet",
      { spec: { template } },
      {
        spec: {
          updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
          revisionHistoryLimit: 10,
        },
      },
    ],
    [
      "v1",
      "ReplicationController",
      { spec: { template } },
      { metadata: { labels: { app: "web" } }, spec: { selector: { app: "web" }, replicas: 1 } },
    ],
    [
      "batch/v1",
      "CronJob",
      { spec: { schedule: "@daily", jobTemplate: {} } },
      {
        spec: {
          concurrencyPolicy: "Allow",
          suspend: false,
          successfulJobsHistoryLimit: 3,
          failedJobsHistoryLimit: 1,
        },
      },
    ],
    [
      "autoscaling/v2",
      "HorizontalPodAutoscaler",
      { spec: { scaleTargetRef: target, maxReplicas: 2, behavior: { scaleDown: { selectPolicy: "Disabled" } } } },
      {
        spec: {
          minReplicas: 1,
          metrics: [
            { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } },
          ],
          behavior: {
            scaleUp: {
              stabilizationWindowSeconds: 0,
              selectPolicy: "Max",
              policies: [{ type: "Pods", value: 4, periodSeconds: 15 }, doubling],
            },
            scaleDown: { selectPolicy: "Disabled", policies: [doubling] },
          },
        },
      },
    ],
    [
      "autoscaling/v1",
      "HorizontalPodAutoscaler",
      { spec: { scaleTargetRef: target, maxReplicas: 2 } },
      { spec: { minReplicas: 1, targetCPUUtilizationPercentage: 80 } },
    ],
    [
      "v1",
      "PersistentVolume",
      { spec: { hostPath: { path: "/data" } } },
      { spec: { persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem", hostPath: { type: "" } } },
    ],
    ["v1", "PersistentVolumeClaim", { spec: {} }, { spec: { volumeMode: "Filesystem" }, status: { phase: "Pending" } }],
    [
      "storage.k8s.io/v1",
      "StorageClass",
      { provisioner: "a/b" },
      { reclaimPolicy: "Delete", volumeBindingMode: "Immediate" },
    ],
    [
      "storage.k8s.io/v1",
      "CSIDriver",
      { spec: {} },
      {
        spec: {
          attachRequired: true,
          podInfoOnMount: false,
          fsGroupPolicy: "ReadWriteOnceWithFSType",
          volumeLifecycleModes: ["Persistent"],
        },
      },
    ],
    ["scheduling.k8s.io/v1", "PriorityClass", { value: 1 }, { preemptionPolicy: "PreemptLowerPriority" }],
    [
      "networking.k8s.io/v1",
      "NetworkPolicy",
      { spec: { egress: [{ ports: [{ port: 53 }] }] } },
      { spec: { policyTypes: ["Ingress", "Egress"], egress: [{ ports: [{ port: 53, protocol: "TCP" }] }] } },
    ],
    [
      "networking.k8s.io/v1",
      "IngressClass",
      { spec: { controller: "a.b/c", parameters: { kind: "K", name: "n" } } },
      { spec: { parameters: { scope: "Cluster" } } },
    ],
    [
      "v1",
      "LimitRange",
      { spec: { limits: [{ type: "Container", max: { cpu: "2" }, min: { cpu: "1", memory: "1Gi" } }] } },
      {
        spec: {
          limits: [{ default: { cpu: "2" }, defaultRequest: { cpu: "2", memory: "1Gi" } }],
        },
      },
    ],
  ])("%s %s", (apiVersion, kind, value, given) => {
    const object = defaulted(apiVersion, kind, value);
    expect(object).toMatchObject(given);
    const again = structuredClone(object);
    applyDefaults(resourceOf(apiVersion, kind), again);
    expect(again).toEqual(object);
  });
});

const identity = { uid: "u", now: "2026-11-23T06:00:00Z" };

test("a DaemonSet counts its templates", () => {
  const resource = resourceOf("apps/v1", "DaemonSet");
  const old = defaulted("apps/v1", "DaemonSet", { spec: { template } });
  prepareForCreate(resource, old, identity);
  const counted = (object: KubeObject) => [
    object.metadata.annotations?.["deprecated.daemonset.template.generation"],
    object.metadata.generation,
  ];
  expect(counted(old)).toEqual(["1", 1]);
  const slower = structuredClone(old) as KubeObject & { spec: { minReadySeconds: number } };
  slower.spec.minReadySeconds = 5;
  prepareForUpdate(resource, slower, old);
  expect(counted(slower)).toEqual(["1", 2]);
  const other = structuredClone(old) as KubeObject & { spec: { template: object } };
  other.spec.template = { ...template, metadata: { labels: { app: "web", v: "2" } } };
  // Whoever writes an object without the annotation does not reset the count.
  delete other.metadata.annotations;
  prepareForUpdate(resource, other, old);
  expect(counted(other)).toEqual(["2", 2]);
});

const withStatus = servedResources.filter(({ subresources }) => subresources.some(({ name }) => name === "status"));

test.each(withStatus.map((resource) => [resource.plural, resource] as const))(
  "the status of new %s is the server's",
  (_, resource) => {
    const spec = { template, containers: [] };
    const object = { metadata: { name: "x" }, spec, status: { conditions: [{ type: "Forged" }] } } as KubeObject;
    prepareForCreate(resource, object, identity);
    expect(JSON.stringify(object)).not.toContain("Forged");
  },
);
