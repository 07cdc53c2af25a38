import { describe, expect, test } from "vitest";
import { applyDefaults } from "../lifecycle/lifecycle.ts";
import { qosClassOf } from "../pods/qos.ts";
import type { KubeObject } from "../resources/resource.ts";
import { findKind } from "../resources/served.ts";
import { decode } from "../schema/decode.ts";
import type { Deployment } from "../types/apps/deployment.ts";
import type { Job } from "../types/batch/job.ts";
import type { Endpoints } from "../types/core/endpoints.ts";
import type { Pod } from "../types/core/pod.ts";
import type { Service } from "../types/core/service.ts";
import type { RoleBinding } from "../types/rbac.ts";

function defaulted<T extends KubeObject>(apiVersion: string, kind: string, value: object): T {
  const [version, group] = apiVersion.split("/").reverse() as [string, string?];
  const resource = findKind(group ?? "", version, kind)!;
  const result = decode(resource.schema, value);
  if (!result.ok) throw new Error(result.message);
  const object = result.object as unknown as T;
  applyDefaults(resource, object);
  return object;
}

const podWith = (spec: object) =>
  defaulted<Pod>("v1", "Pod", { spec: { containers: [{ name: "a", image: "b:1" }], ...spec } }).spec;
const containerWith = (fields: object) =>
  podWith({ containers: [{ name: "a", image: "b:1", ...fields }] }).containers[0];

describe("pods", () => {
  test("what a bare pod is given", () => {
    expect(podWith({})).toEqual({
      containers: [
        {
          name: "a",
          image: "b:1",
          resources: {},
          imagePullPolicy: "IfNotPresent",
          terminationMessagePath: "/dev/termination-log",
          terminationMessagePolicy: "File",
        },
      ],
      dnsPolicy: "ClusterFirst",
      enableServiceLinks: true,
      restartPolicy: "Always",
      schedulerName: "default-scheduler",
      securityContext: {},
      terminationGracePeriodSeconds: 30,
    });
  });

  test.each([
    ["nginx", "Always"],
    ["nginx:latest", "Always"],
    ["registry:5000/nginx", "Always"],
    ["registry:5000/nginx:1.27", "IfNotPresent"],
    ["nginx@sha256:abc", "IfNotPresent"],
  ])("%s is pulled %s", (image, policy) => expect(containerWith({ image })?.imagePullPolicy).toBe(policy));

  test("a limit without a request asks for the limit, in pods but not in templates", () => {
    const resources = { limits: { cpu: "2", memory: "1Gi" }, requests: { memory: "512Mi" } };
    expect(containerWith({ resources })?.resources?.requests).toEqual({ cpu: "2", memory: "512Mi" });
    const template = { spec: { containers: [{ name: "a", image: "b", resources }] } };
    const deployment = defaulted<Deployment>("apps/v1", "Deployment", { spec: { template } });
    expect(deployment.spec.template.spec?.containers[0]?.resources?.requests).toEqual({ memory: "512Mi" });
  });

  test("on the host's network a port is the host's port", () => {
    const spec = podWith({
      hostNetwork: true,
      containers: [{ name: "a", image: "b", ports: [{ containerPort: 80 }] }],
    });
    expect(spec.containers[0]?.ports).toEqual([{ containerPort: 80, hostPort: 80, protocol: "TCP" }]);
  });

  test("probes", () => {
    expect(containerWith({ readinessProbe: { httpGet: { port: "http" } } })?.readinessProbe).toEqual({
      httpGet: { path: "/", port: "http", scheme: "HTTP" },
      failureThreshold: 3,
      periodSeconds: 10,
      successThreshold: 1,
      timeoutSeconds: 1,
    });
  });

  test("volumes", () => {
    const volumes = [
      { name: "bare" },
      { name: "config", configMap: { name: "c" } },
      { name: "host", hostPath: { path: "/x" } },
      { name: "token", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } },
    ];
    expect(podWith({ volumes }).volumes).toEqual([
      { name: "bare", emptyDir: {} },
      { name: "config", configMap: { name: "c", defaultMode: 0o644 } },
      { name: "host", hostPath: { path: "/x", type: "" } },
      {
        name: "token",
        projected: {
          defaultMode: 0o644,
          sources: [{ serviceAccountToken: { path: "token", expirationSeconds: 3600 } }],
        },
      },
    ]);
  });

  test("both names of the service account say the same", () => {
    expect(podWith({ serviceAccountName: "robot" })).toMatchObject({ serviceAccount: "robot" });
    expect(podWith({ serviceAccount: "robot" })).toMatchObject({ serviceAccountName: "robot" });
  });

  test.each<[string, object[], string]>([
    ["nothing asked", [{}], "BestEffort"],
    ["something asked", [{ requests: { cpu: "1" } }], "Burstable"],
    [
      "all limited to what is asked",
      [{ requests: { cpu: "1", memory: "1Gi" }, limits: { cpu: "1", memory: "1Gi" } }],
      "Guaranteed",
    ],
    ["limits alone", [{ limits: { cpu: "1", memory: "1Gi" } }], "Guaranteed"],
    ["one of two limited", [{ limits: { cpu: "1", memory: "1Gi" } }, {}], "Burstable"],
    [
      "limited above what is asked",
      [{ requests: { cpu: "1", memory: "1Gi" }, limits: { cpu: "2", memory: "1Gi" } }],
      "Burstable",
    ],
  ])("quality of service: %s", (_, resources, expected) => {
    expect(qosClassOf({ containers: resources.map((r, index) => ({ name: `c${index}`, resources: r })) })).toBe(
      expected,
    );
  });
});

describe("workloads", () => {
  test("a Deployment rolls by quarters", () => {
    expect(defaulted<Deployment>("apps/v1", "Deployment", {}).spec).toMatchObject({
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
    });
  });

  test("zero replicas stay zero, and Recreate stays as it is", () => {
    const { spec } = defaulted<Deployment>("apps/v1", "Deployment", {
      spec: { replicas: 0, strategy: { type: "Recreate" } },
    });
    expect(spec).toMatchObject({ replicas: 0, strategy: { type: "Recreate" } });
    expect(spec.strategy).not.toHaveProperty("rollingUpdate");
  });

  test("a Job runs once; parallelism alone makes it a work queue", () => {
    expect(defaulted<Job>("batch/v1", "Job", {}).spec).toMatchObject({
      completions: 1,
      parallelism: 1,
      backoffLimit: 6,
      completionMode: "NonIndexed",
      suspend: false,
      podReplacementPolicy: "TerminatingOrFailed",
    });
    expect(defaulted<Job>("batch/v1", "Job", { spec: { parallelism: 3 } }).spec).not.toHaveProperty("completions");
  });
});

describe("services and their endpoints", () => {
  test("a port leads to the same port of the pods", () => {
    const { spec } = defaulted<Service>("v1", "Service", {
      spec: { ports: [{ port: 8080 }, { port: 81, targetPort: "http" }] },
    });
    expect(spec).toEqual({
      type: "ClusterIP",
      sessionAffinity: "None",
      internalTrafficPolicy: "Cluster",
      ports: [
        { port: 8080, protocol: "TCP", targetPort: 8080 },
        { port: 81, protocol: "TCP", targetPort: "http" },
      ],
    });
  });

  test("what is reachable from outside has a policy for that", () => {
    expect(defaulted<Service>("v1", "Service", { spec: { type: "NodePort" } }).spec.externalTrafficPolicy).toBe(
      "Cluster",
    );
    expect(defaulted<Service>("v1", "Service", { spec: { type: "ExternalName" } }).spec).not.toHaveProperty(
      "internalTrafficPolicy",
    );
  });

  test("clients stick for three hours", () => {
    expect(defaulted<Service>("v1", "Service", { spec: { sessionAffinity: "ClientIP" } }).spec).toMatchObject({
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
    });
  });

  test("endpoints speak TCP", () => {
    const { subsets } = defaulted<Endpoints>("v1", "Endpoints", { subsets: [{ ports: [{ port: 80 }] }] });
    expect(subsets?.[0]?.ports).toEqual([{ port: 80, protocol: "TCP" }]);
  });
});

test("bindings refer to RBAC's own group; service accounts have none", () => {
  const subjects = [
    { kind: "User", name: "ann" },
    { kind: "ServiceAccount", name: "a", namespace: "n" },
  ];
  const binding = defaulted<RoleBinding>("rbac.authorization.k8s.io/v1", "RoleBinding", {
    roleRef: { kind: "Role", name: "r" },
    subjects,
  });
  expect(binding.roleRef.apiGroup).toBe("rbac.authorization.k8s.io");
  expect(binding.subjects).toEqual([{ ...subjects[0], apiGroup: "rbac.authorization.k8s.io" }, subjects[1]]);
});
