import { describe, expect, test } from "vitest";
import type { KubeObject } from "../resources/resource.ts";
import { findKind } from "../resources/served.ts";
import { decode } from "../schema/decode.ts";
import { columnDefinitions, tableRow } from "./table.ts";

const now = Date.parse("2026-11-23T06:00:00Z");

/** What some columns show of an object. */
function shown(apiVersion: string, kind: string, value: object, columns: readonly string[]): unknown[] {
  const [version, group] = apiVersion.split("/").reverse() as [string, string?];
  const resource = findKind(group ?? "", version, kind)!;
  const metadata = { name: "x", creationTimestamp: "2026-11-23T05:30:00Z" };
  const result = decode(resource.schema, { ...value, metadata: { ...metadata, ...(value as KubeObject).metadata } });
  if (!result.ok) throw new Error(result.message);
  const { cells } = tableRow(resource, result.object as unknown as KubeObject, now);
  const names = columnDefinitions(resource).map(({ name }) => name);
  return columns.map((column) => {
    if (!names.includes(column)) throw new Error(`${kind} has no column ${column}`);
    return cells[names.indexOf(column)];
  });
}

type Case = [what: string, apiVersion: string, kind: string, value: object, cells: Record<string, unknown>];

const cases: Case[] = [
  [
    "a volume by its claim, with every access mode in its short form",
    "v1",
    "PersistentVolume",
    {
      spec: {
        capacity: { storage: "5Gi" },
        accessModes: ["ReadWriteMany", "ReadWriteOnce", "ReadOnlyMany"],
        claimRef: { namespace: "demo", name: "data" },
        storageClassName: "fast",
      },
      status: { phase: "Bound" },
    },
    { Capacity: "5Gi", "Access Modes": "RWO,ROX,RWX", Status: "Bound", Claim: "demo/data", StorageClass: "fast" },
  ],
  [
    "a claim without a volume shows no capacity, whatever its status says",
    "v1",
    "PersistentVolumeClaim",
    { spec: {}, status: { phase: "Pending", capacity: { storage: "1Gi" } } },
    { Status: "Pending", Volume: "", Capacity: "", "Access Modes": "", VolumeMode: "<unset>" },
  ],
  [
    "a claim with one",
    "v1",
    "PersistentVolumeClaim",
    {
      metadata: { deletionTimestamp: "2026-11-23T05:59:00Z" },
      spec: { volumeName: "pv-1" },
      status: { phase: "Bound", capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOncePod"] },
    },
    { Status: "Terminating", Volume: "pv-1", Capacity: "1Gi", "Access Modes": "RWOP" },
  ],
  [
    "the default class",
    "storage.k8s.io/v1",
    "StorageClass",
    { metadata: { annotations: { "storageclass.kubernetes.io/is-default-class": "true" } }, provisioner: "a/b" },
    { Name: "x (default)", ReclaimPolicy: "Delete", VolumeBindingMode: "Immediate", AllowVolumeExpansion: false },
  ],
  [
    "a quota: requests and limits apart",
    "v1",
    "ResourceQuota",
    { status: { hard: { pods: "10", "limits.cpu": "4", "requests.cpu": "2" }, used: { pods: "3" } } },
    { Request: "pods: 3/10, requests.cpu: 0/2", Limit: "limits.cpu: 0/4" },
  ],
  [
    "a budget",
    "policy/v1",
    "PodDisruptionBudget",
    { spec: { maxUnavailable: 1 }, status: { disruptionsAllowed: 1 } },
    { "Min Available": "N/A", "Max Unavailable": "1", "Allowed Disruptions": 1 },
  ],
  [
    "an Ingress for anybody, reached at two addresses",
    "networking.k8s.io/v1",
    "Ingress",
    { spec: {}, status: { loadBalancer: { ingress: [{ ip: "10.0.0.2" }, { hostname: "a.test" }] } } },
    { Class: "<none>", Hosts: "*", Address: "10.0.0.2,a.test", Ports: "80" },
  ],
  [
    "an Ingress of many hosts",
    "networking.k8s.io/v1",
    "Ingress",
    { spec: { rules: ["a", "b", "c", "d"].map((host) => ({ host })) } },
    { Hosts: "a,b,c + 1 more..." },
  ],
  [
    "where a class of Ingresses has its parameters",
    "networking.k8s.io/v1",
    "IngressClass",
    { spec: { controller: "a.test/b", parameters: { apiGroup: "a.test", kind: "Config", name: "c" } } },
    { Controller: "a.test/b", Parameters: "Config.a.test/c" },
  ],
  [
    "whose revision",
    "apps/v1",
    "ControllerRevision",
    {
      metadata: {
        ownerReferences: [{ apiVersion: "apps/v1", kind: "StatefulSet", name: "web", uid: "u", controller: true }],
      },
      revision: 2,
    },
    { Controller: "statefulset.apps/web", Revision: 2 },
  ],
  [
    "a CronJob that paused after its last Job",
    "batch/v1",
    "CronJob",
    {
      spec: { schedule: "@daily", suspend: true, jobTemplate: {} },
      status: { lastScheduleTime: "2026-11-23T05:00:00Z", active: [{ name: "x-1" }] },
    },
    { Timezone: "<none>", Suspend: "True", Active: 1, "Last Schedule": "60m" },
  ],
  [
    "a request that was approved and signed",
    "certificates.k8s.io/v1",
    "CertificateSigningRequest",
    {
      spec: { request: "", signerName: "a.test/b", username: "eve", expirationSeconds: 3600 },
      status: { conditions: [{ type: "Approved", status: "True" }], certificate: "AAAA" },
    },
    { Requestor: "eve", RequestedDuration: "60m", Condition: "Approved,Issued" },
  ],
];

describe("kubectl get shows", () => {
  test.each(cases)("%s", (_, apiVersion, kind, value, cells) => {
    expect(shown(apiVersion, kind, value, Object.keys(cells))).toEqual(Object.values(cells));
  });
});

describe("what an autoscaler aims at", () => {
  const target = (type: string, fields: object) => ({ type, ...fields });
  const cpu = {
    type: "Resource",
    resource: { name: "cpu", target: target("Utilization", { averageUtilization: 80 }) },
  };
  const external = {
    type: "External",
    external: { metric: { name: "queue" }, target: target("AverageValue", { averageValue: "30" }) },
  };
  const pods = {
    type: "Pods",
    pods: { metric: { name: "requests" }, target: target("AverageValue", { averageValue: "1k" }) },
  };

  test.each<[string, object[], object[], string]>([
    ["nothing", [], [], "<none>"],
    ["nothing was measured", [cpu], [], "cpu: <unknown>/80%"],
    [
      "CPU",
      [cpu],
      [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: 12 } } }],
      "cpu: 12%/80%",
    ],
    ["two of three", [cpu, external, pods], [], "cpu: <unknown>/80%, <unknown>/30 (avg) + 1 more..."],
  ])("%s", (_, metrics, currentMetrics, text) => {
    const spec = { scaleTargetRef: { kind: "Deployment", name: "web" }, maxReplicas: 3, metrics };
    const value = { spec, status: { desiredReplicas: 0, currentMetrics } };
    expect(shown("autoscaling/v2", "HorizontalPodAutoscaler", value, ["Reference", "Targets", "MinPods"])).toEqual([
      "Deployment/web",
      text,
      "<unset>",
    ]);
  });
});
