import { describe, expect, test } from "vitest";
import type { KubeObject } from "../resources/resource.ts";
import type { Pod } from "../types/core/pod.ts";
import { resourceListOf } from "./amounts.ts";
import { quotaMatches, quotaNames, quotaUsage, unstatedResources } from "./usage.ts";

const NOW = Date.parse("2026-11-23T06:00:00Z");
const pods = { group: "", resource: "pods" };
const claims = { group: "", resource: "persistentvolumeclaims" };
const services = { group: "", resource: "services" };

const usage = (kind: typeof pods, object: object) => resourceListOf(quotaUsage(kind, object as KubeObject, NOW));
const container = (name: string, requests = {}, limits = {}, more = {}) => ({
  name,
  resources: { requests, limits },
  ...more,
});
const pod = (spec: object, more: object = {}) => ({ metadata: { name: "p" }, spec, ...more });

describe("what a pod takes", () => {
  test("is the sum of its containers", () => {
    const containers = [
      container("a", { cpu: "200m", memory: "1Gi" }, { memory: "2Gi" }),
      container("b", { cpu: "1" }),
    ];
    expect(usage(pods, pod({ containers }))).toEqual({
      "count/pods": "1",
      "limits.memory": "2Gi",
      "requests.cpu": "1200m",
      "requests.memory": "1Gi",
      cpu: "1200m",
      memory: "1Gi",
      pods: "1",
    });
  });

  test("is at least what its largest init container takes beside the side-cars before it", () => {
    const initContainers = [
      container("setup", { cpu: "3" }),
      container("proxy", { cpu: "1" }, {}, { restartPolicy: "Always" }),
      container("migrate", { cpu: "4" }),
    ];
    const spec = { initContainers, containers: [container("web", { cpu: "1" })], overhead: { cpu: "100m" } };
    expect(usage(pods, pod(spec))).toMatchObject({ cpu: "5100m" });
  });

  test("is a device only when it is requested", () => {
    const containers = [container("a", { "example.com/gpu": "2", "hugepages-2Mi": "4Mi" })];
    expect(usage(pods, pod({ containers }))).toEqual({
      "count/pods": "1",
      "hugepages-2Mi": "4Mi",
      "requests.example.com/gpu": "2",
      "requests.hugepages-2Mi": "4Mi",
      pods: "1",
    });
  });

  test.each([
    ["has succeeded", { status: { phase: "Succeeded" } }],
    ["has failed", { status: { phase: "Failed" } }],
    [
      "should be gone for long",
      { metadata: { name: "p", deletionTimestamp: "2026-11-23T05:59:00Z", deletionGracePeriodSeconds: 30 } },
    ],
  ])("is nothing but its place when it %s", (_what, more) => {
    expect(usage(pods, pod({ containers: [container("a", { cpu: "1" })] }, more))).toEqual({ "count/pods": "1" });
  });
});

test("what a Service takes depends on its type", () => {
  const ports = [{ port: 80 }, { port: 443 }];
  const of = (spec: object) => usage(services, { metadata: { name: "s" }, spec: { ports, ...spec } });
  const plain = { "count/services": "1", services: "1" };
  expect(of({ type: "ClusterIP" })).toEqual({ ...plain, "services.nodeports": "0", "services.loadbalancers": "0" });
  expect(of({ type: "NodePort" })).toMatchObject({ "services.nodeports": "2", "services.loadbalancers": "0" });
  expect(of({ type: "LoadBalancer" })).toMatchObject({ "services.nodeports": "2", "services.loadbalancers": "1" });
  expect(of({ type: "LoadBalancer", allocateLoadBalancerNodePorts: false })).toMatchObject({
    "services.nodeports": "0",
  });
});

test("what a claim takes counts for its class too", () => {
  const spec = { storageClassName: "fast", resources: { requests: { storage: "5Gi" } } };
  expect(usage(claims, { metadata: { name: "c" }, spec })).toEqual({
    "count/persistentvolumeclaims": "1",
    "fast.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
    "fast.storageclass.storage.k8s.io/requests.storage": "5Gi",
    "requests.storage": "5Gi",
    persistentvolumeclaims: "1",
  });
});

test("any kind can be counted", () => {
  const deployments = { group: "apps", resource: "deployments" };
  expect(usage(deployments, { metadata: { name: "d" } })).toEqual({ "count/deployments.apps": "1" });
  expect(quotaNames(deployments, ["count/deployments.apps", "count/deployments", "pods"])).toEqual([
    "count/deployments.apps",
  ]);
  expect(quotaNames(pods, ["requests.example.com/gpu", "requests.storage", "limits.cpu", "count/pods"])).toEqual([
    "requests.example.com/gpu",
    "limits.cpu",
    "count/pods",
  ]);
});

describe("scopes", () => {
  const quota = (spec: object) => ({ spec: { hard: { pods: "1" }, ...spec }, status: { hard: { pods: "1" } } });
  const matches = (scopes: string[], spec: object) =>
    quotaMatches(quota({ scopes }), pods, pod({ containers: [container("a")], ...spec }) as unknown as KubeObject);
  test.each([
    ["Terminating", { activeDeadlineSeconds: 5 }, true],
    ["Terminating", {}, false],
    ["NotTerminating", {}, true],
    ["BestEffort", {}, true],
    ["NotBestEffort", {}, false],
    ["NotBestEffort", { containers: [container("a", { cpu: "1" })] }, true],
    ["PriorityClass", { priorityClassName: "high" }, true],
    ["PriorityClass", {}, false],
    [
      "CrossNamespacePodAffinity",
      { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ namespaceSelector: {} }] } } },
      true,
    ],
    ["CrossNamespacePodAffinity", {}, false],
  ])("%s and %j: %s", (scope, spec, expected) => {
    expect(matches([scope], spec)).toBe(expected);
  });

  test("a selector names priority classes", () => {
    const within = (operator: string, values: string[], priorityClassName?: string) =>
      quotaMatches(
        quota({ scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator, values }] } }),
        pods,
        pod({ containers: [], priorityClassName }) as unknown as KubeObject,
      );
    expect(within("In", ["high"], "high")).toBe(true);
    expect(within("In", ["high"], "low")).toBe(false);
    expect(within("NotIn", ["high"], "low")).toBe(true);
    expect(within("DoesNotExist", [])).toBe(true);
  });

  test("a quota with scopes is not about kinds that know none", () => {
    const counted = { spec: { hard: { services: "1" }, scopes: ["BestEffort"] }, status: { hard: { services: "1" } } };
    expect(quotaMatches(counted, services, { metadata: { name: "s" } } as KubeObject)).toBe(false);
  });
});

test("containers must state what is limited", () => {
  const spec = { containers: [container("a", { cpu: "1" }), container("b", {}, { memory: "1Gi" })] };
  const missing = unstatedResources(pod(spec) as unknown as Pod, ["pods", "requests.cpu", "limits.memory", "cpu"]);
  expect([...missing]).toEqual([
    ["cpu", ["b"]],
    ["limits.memory", ["a"]],
    ["requests.cpu", ["b"]],
  ]);
});
