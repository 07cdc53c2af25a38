import { describe, expect, test } from "vitest";
import type { KubeObject } from "../resources/resource.ts";
import { findKind, servedResources } from "../resources/served.ts";
import { decode } from "../schema/decode.ts";
import { humanDuration } from "./duration.ts";
import { columnDefinitions, tableRow } from "./table.ts";

const now = Date.parse("2026-11-23T06:00:00Z");

/** The row as `kubectl get -o wide` shows it: by column. */
function row(apiVersion: string, kind: string, value: object): Record<string, unknown> {
  const [version, group] = apiVersion.split("/").reverse() as [string, string?];
  const resource = findKind(group ?? "", version, kind)!;
  const result = decode(resource.schema, {
    metadata: { name: "x", creationTimestamp: "2026-11-23T05:30:00Z" },
    ...value,
  });
  if (!result.ok) throw new Error(result.message);
  const { cells } = tableRow(resource, result.object as unknown as KubeObject, now);
  return Object.fromEntries(columnDefinitions(resource).map(({ name }, index) => [name, cells[index]]));
}

describe("ages", () => {
  const second = 1000;
  const minute = 60 * second;
  const hour = 60 * minute;
  const day = 24 * hour;
  test.each([
    [-3 * second, "<invalid>"],
    [-1 * second, "0s"],
    [119 * second, "119s"],
    [120 * second, "2m"],
    [9 * minute + 59 * second, "9m59s"],
    [10 * minute, "10m"],
    [179 * minute, "179m"],
    [3 * hour + 5 * minute, "3h5m"],
    [47 * hour, "47h"],
    [2 * day, "2d"],
    [3 * day + 4 * hour, "3d4h"],
    [400 * day, "400d"],
    [731 * day, "2y1d"],
    [9 * 365 * day, "9y"],
  ])("%i ms is %s", (milliseconds, shown) => expect(humanDuration(milliseconds)).toBe(shown));
});

describe("pods", () => {
  const spec = { nodeName: "node-1", containers: [{ name: "a" }, { name: "b" }] };
  const up = (name: string, restartCount = 0) => ({ name, ready: true, restartCount, state: { running: {} } });
  const ended = (name: string, terminated: object) => ({ name, ready: false, restartCount: 0, state: { terminated } });
  const waiting = (name: string, reason: string) => ({
    name,
    ready: false,
    restartCount: 0,
    state: { waiting: { reason } },
  });
  const shown = (status: object, more: object = {}) => row("v1", "Pod", { spec, status, ...more });

  test("running", () => {
    const status = {
      phase: "Running",
      podIP: "10.244.1.5",
      podIPs: [{ ip: "10.244.1.5" }],
      containerStatuses: [up("a"), up("b")],
    };
    expect(shown(status)).toEqual({
      Name: "x",
      Ready: "2/2",
      Status: "Running",
      Restarts: "0",
      Age: "30m",
      IP: "10.244.1.5",
      Node: "node-1",
      "Nominated Node": "<none>",
      "Readiness Gates": "<none>",
    });
  });

  test("not scheduled yet", () => {
    expect(row("v1", "Pod", { spec: { containers: [{ name: "a" }] }, status: { phase: "Pending" } })).toMatchObject({
      Ready: "0/1",
      Status: "Pending",
      IP: "<none>",
      Node: "<none>",
    });
  });

  test("held back by a gate", () => {
    const conditions = [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }];
    expect(shown({ phase: "Pending", conditions })).toMatchObject({ Status: "SchedulingGated" });
  });

  test("crashing: the reason it waits, and when it last restarted", () => {
    const finishedAt = "2026-11-23T05:58:30Z";
    const crashing = {
      ...waiting("a", "CrashLoopBackOff"),
      restartCount: 4,
      lastState: { terminated: { exitCode: 1, finishedAt } },
    };
    expect(shown({ phase: "Running", containerStatuses: [crashing, up("b")] })).toMatchObject({
      Ready: "1/2",
      Status: "CrashLoopBackOff",
      Restarts: "4 (90s ago)",
    });
  });

  test.each([
    ["by itself", { exitCode: 0, reason: "Completed" }, "Completed"],
    ["with an exit code", { exitCode: 3 }, "ExitCode:3"],
    ["by a signal", { exitCode: 137, signal: 9 }, "Signal:9"],
    ["out of memory", { exitCode: 137, reason: "OOMKilled" }, "OOMKilled"],
  ])("ended %s", (_, terminated, status) => {
    const containerStatuses = [ended("a", terminated), ended("b", terminated)];
    expect(shown({ phase: "Failed", containerStatuses })).toMatchObject({ Ready: "0/2", Status: status });
  });

  test("one container done while the other goes on", () => {
    const containerStatuses = [ended("a", { exitCode: 0, reason: "Completed" }), up("b")];
    const conditions = [{ type: "Ready", status: "True" }];
    expect(shown({ phase: "Running", containerStatuses, conditions })).toMatchObject({
      Ready: "1/2",
      Status: "Running",
    });
    expect(shown({ phase: "Running", containerStatuses })).toMatchObject({ Status: "NotReady" });
  });

  test.each([
    ["the first runs", [{ name: "i", ready: false, restartCount: 0, state: { running: {} } }], "Init:0/2"],
    ["the second runs", [ended("i", { exitCode: 0 }), waiting("j", "PodInitializing")], "Init:1/2"],
    ["the first failed", [ended("i", { exitCode: 2 })], "Init:ExitCode:2"],
    ["the first has no image", [waiting("i", "ErrImagePull")], "Init:ErrImagePull"],
  ])("init containers: %s", (_, initContainerStatuses, status) => {
    const initContainers = [{ name: "i" }, { name: "j" }];
    const value = { spec: { ...spec, initContainers }, status: { phase: "Pending", initContainerStatuses } };
    expect(row("v1", "Pod", value)).toMatchObject({ Status: status, Ready: "0/2" });
  });

  test("a sidecar counts among the containers", () => {
    const value = {
      spec: { containers: [{ name: "a" }], initContainers: [{ name: "s", restartPolicy: "Always" }] },
      status: {
        phase: "Running",
        initContainerStatuses: [{ ...up("s", 2), started: true }],
        containerStatuses: [up("a", 1)],
      },
    };
    expect(row("v1", "Pod", value)).toMatchObject({ Ready: "2/2", Status: "Running", Restarts: "3" });
  });

  test("going away", () => {
    const metadata = { name: "x", deletionTimestamp: "2026-11-23T06:00:30Z" };
    expect(shown({ phase: "Running" }, { metadata })).toMatchObject({ Status: "Terminating", Age: "<unknown>" });
    expect(shown({ phase: "Running", reason: "NodeLost" }, { metadata })).toMatchObject({ Status: "Unknown" });
    expect(shown({ phase: "Succeeded" }, { metadata })).toMatchObject({ Status: "Succeeded" });
  });
});

describe("other kinds", () => {
  const template = {
    spec: {
      containers: [
        { name: "a", image: "img:1" },
        { name: "b", image: "img:2" },
      ],
    },
  };

  test.each<[string, string, object, object]>([
    [
      "apps/v1",
      "Deployment",
      {
        spec: { replicas: 3, selector: { matchLabels: { app: "web" } }, template },
        status: { readyReplicas: 2, updatedReplicas: 1 },
      },
      {
        Ready: "2/3",
        "Up-to-date": 1,
        Available: 0,
        Age: "30m",
        Containers: "a,b",
        Images: "img:1,img:2",
        Selector: "app=web",
      },
    ],
    [
      "apps/v1",
      "ReplicaSet",
      { spec: { replicas: 3 }, status: { replicas: 2 } },
      { Desired: 3, Current: 2, Ready: 0, Selector: "<none>" },
    ],
    [
      "batch/v1",
      "Job",
      { spec: { completions: 3 }, status: { succeeded: 1, startTime: "2026-11-23T05:59:00Z" } },
      { Status: "Running", Completions: "1/3", Duration: "60s" },
    ],
    [
      "batch/v1",
      "Job",
      {
        spec: { parallelism: 2 },
        status: {
          succeeded: 1,
          startTime: "2026-11-23T05:00:00Z",
          completionTime: "2026-11-23T05:00:30Z",
          conditions: [{ type: "Complete", status: "True" }],
        },
      },
      { Status: "Complete", Completions: "1/1 of 2", Duration: "30s" },
    ],
    [
      "v1",
      "Service",
      {
        spec: {
          type: "NodePort",
          clusterIP: "10.96.0.9",
          selector: { b: "2", a: "1" },
          ports: [
            { port: 80, nodePort: 30080, protocol: "TCP" },
            { port: 53, protocol: "UDP" },
          ],
        },
      },
      {
        Type: "NodePort",
        "Cluster-IP": "10.96.0.9",
        "External-IP": "<none>",
        "Port(s)": "80:30080/TCP,53/UDP",
        Selector: "a=1,b=2",
      },
    ],
    [
      "v1",
      "Service",
      { spec: { type: "LoadBalancer" } },
      { "External-IP": "<pending>", "Port(s)": "<none>", "Cluster-IP": "<none>" },
    ],
    [
      "v1",
      "Service",
      { spec: { type: "ExternalName", externalName: "example.com" } },
      { "External-IP": "example.com" },
    ],
    [
      "v1",
      "Endpoints",
      { subsets: [{ addresses: ["1", "2", "3", "4"].map((n) => ({ ip: `10.0.0.${n}` })), ports: [{ port: 80 }] }] },
      { Endpoints: "10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more..." },
    ],
    [
      "discovery.k8s.io/v1",
      "EndpointSlice",
      { addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.1"] }], ports: [{ name: "", port: 80 }] },
      { AddressType: "IPv4", Ports: "80", Endpoints: "10.0.0.1" },
    ],
    [
      "v1",
      "Node",
      {
        metadata: { name: "x", labels: { "node-role.kubernetes.io/worker": "", "kubernetes.io/role": "edge" } },
        spec: { unschedulable: true },
        status: {
          conditions: [{ type: "Ready", status: "True" }],
          addresses: [{ type: "InternalIP", address: "172.30.0.2" }],
          nodeInfo: { kubeletVersion: "v1.33.0" },
        },
      },
      {
        Status: "Ready,SchedulingDisabled",
        Roles: "edge,worker",
        Version: "v1.33.0",
        "Internal-IP": "172.30.0.2",
        "External-IP": "<none>",
        "OS-Image": "<unknown>",
      },
    ],
    [
      "v1",
      "Node",
      { status: { conditions: [{ type: "Ready", status: "Unknown" }] } },
      { Status: "NotReady", Roles: "<none>" },
    ],
    ["v1", "Namespace", { status: { phase: "Terminating" } }, { Status: "Terminating" }],
    ["v1", "ConfigMap", { data: { a: "" }, binaryData: { b: "" } }, { Data: 2 }],
    ["v1", "Secret", { type: "Opaque", data: { a: "" } }, { Type: "Opaque", Data: 1 }],
    ["v1", "ServiceAccount", {}, { Name: "x", Age: "30m" }],
    ["coordination.k8s.io/v1", "Lease", { spec: { holderIdentity: "node-1" } }, { Holder: "node-1" }],
    [
      "v1",
      "Event",
      {
        involvedObject: { kind: "Pod", name: "web" },
        lastTimestamp: "2026-11-23T05:59:30Z",
        count: 3,
        source: { component: "kubelet", host: "node-1" },
        message: " Started\n",
        type: "Normal",
        reason: "Started",
      },
      {
        "Last Seen": "30s",
        Object: "pod/web",
        Source: "kubelet, node-1",
        Count: "3",
        Message: "Started",
        "First Seen": "<unknown>",
      },
    ],
    [
      "events.k8s.io/v1",
      "Event",
      {
        regarding: { kind: "Pod", name: "web" },
        note: "Started",
        eventTime: "2026-11-23T05:59:30.5Z",
        reportingController: "kubelet",
        reportingInstance: "node-1",
      },
      { "Last Seen": "29s", Object: "pod/web", Source: "kubelet, node-1", Message: "Started" },
    ],
    [
      "rbac.authorization.k8s.io/v1",
      "RoleBinding",
      {
        roleRef: { kind: "ClusterRole", name: "view" },
        subjects: [
          { kind: "User", name: "ann" },
          { kind: "ServiceAccount", name: "a", namespace: "n" },
        ],
      },
      { Role: "ClusterRole/view", Users: "ann", Groups: "", ServiceAccounts: "n/a" },
    ],
    ["rbac.authorization.k8s.io/v1", "Role", {}, { Name: "x", "Created At": "2026-11-23T05:30:00Z" }],
  ])("%s %s", (apiVersion, kind, value, expected) => expect(row(apiVersion, kind, value)).toMatchObject(expected));

  test("an empty object of any kind has a row", () => {
    for (const resource of servedResources) {
      const result = decode(resource.schema, { metadata: { name: "x" } });
      if (!result.ok) throw new Error(result.message);
      const { cells } = tableRow(resource, result.object as unknown as KubeObject, now);
      expect(cells, resource.kind).toHaveLength(columnDefinitions(resource).length);
      expect(cells, resource.kind).not.toContain(undefined);
    }
  });
});
