import { describe, expect, test } from "vitest";
import type { KubeObject } from "../../api/mod.ts";
import type { AdmissionRequest } from "../registry/admission.ts";
import { readerWith, refusalOf, requestFor } from "./admission.testing.ts";
import { nodeRestriction } from "./node-restriction.ts";

const kubelet = { name: "system:node:a", groups: ["system:nodes", "system:authenticated"] };
const pods = [
  { metadata: { name: "mine", namespace: "shop", uid: "1" }, spec: { nodeName: "a", containers: [] } },
  { metadata: { name: "theirs", namespace: "shop", uid: "2" }, spec: { nodeName: "b", containers: [] } },
];
const plugin = nodeRestriction(readerWith({ pods, nodes: [{ metadata: { name: "a", uid: "n" } }] }));
const refused = (resource: string, object: object | undefined, more: Partial<AdmissionRequest> = {}) =>
  refusalOf(plugin, requestFor(resource, object, { user: kubelet, ...more }));
const pod = (at: number) => pods[at] as unknown as KubeObject;

describe("pods", () => {
  const owner = { apiVersion: "v1", kind: "Node", name: "a", uid: "n", controller: true };
  const mirror = (metadata: object = {}, spec: object = {}) => ({
    metadata: {
      name: "etcd-a",
      namespace: "kube-system",
      annotations: { "kubernetes.io/config.mirror": "hash" },
      ownerReferences: [owner],
      ...metadata,
    },
    spec: { nodeName: "a", containers: [], ...spec },
  });

  test("a kubelet creates mirrors of its own static pods", async () => {
    expect(await refused("pods", mirror())).toBeUndefined();
  });

  test.each([
    [mirror({ annotations: {} }), 'node "a" can only create mirror pods'],
    [mirror({}, { nodeName: "b" }), "can only create pods with spec.nodeName set to itself"],
    [mirror({ ownerReferences: [] }), "an owner reference set to itself"],
    [mirror({ ownerReferences: [{ ...owner, uid: "x" }] }), "UID mismatch: expected x got n"],
    [mirror({}, { serviceAccountName: "robot" }), "can not create pods that reference a service account"],
    [
      mirror({}, { volumes: [{ name: "v", secret: { secretName: "s" } }] }),
      "can not create pods that reference secrets",
    ],
  ])("%#: %j", async (body, why) => {
    expect(await refused("pods", body)).toContain(why);
  });

  test("it deletes, evicts and reports those that run on its node", async () => {
    expect(await refused("pods", undefined, { operation: "DELETE", old: pod(0) })).toBeUndefined();
    expect(await refused("pods", undefined, { operation: "DELETE", old: pod(1) })).toContain("can only delete pods");
    const status = (at: number) =>
      refused("pods", pod(at), { operation: "UPDATE", subresource: "status", old: pod(at) });
    expect(await status(0)).toBeUndefined();
    expect(await status(1)).toContain("can only update pod status");
    const eviction = (name: string) =>
      refused("pods", { metadata: { name, namespace: "shop" } }, { subresource: "eviction" });
    expect(await eviction("mine")).toBeUndefined();
    expect(await eviction("theirs")).toContain("can only evict pods with spec.nodeName set to itself");
  });

  test("it binds and changes none", async () => {
    expect(await refused("pods", pod(0), { operation: "UPDATE", old: pod(0) })).toContain("unexpected operation");
    expect(await refused("pods", pod(0), { subresource: "binding" })).toContain('unexpected pod subresource "binding"');
  });
});

describe("nodes", () => {
  const node = (metadata: object, spec: object = {}) => ({ metadata: { name: "a", ...metadata }, spec });
  const update = (next: object) => refused("nodes", next, { operation: "UPDATE", old: node({}) as KubeObject });
  test.each([
    [
      "labels that describe the machine",
      node({ labels: { "kubernetes.io/arch": "arm64", "example.com/rack": "7" } }),
      undefined,
    ],
    ["labels that steer pods", node({ labels: { "node-role.kubernetes.io/control-plane": "" } }), "labels: node-role"],
    ["its taints", node({}, { taints: [{ key: "x", effect: "NoSchedule" }] }), "is not allowed to modify taints"],
    ["another node", node({ name: "b" }), 'is not allowed to modify node "b"'],
  ])("%s", async (_what, next, why) => {
    const got = await update(next);
    if (why === undefined) expect(got).toBeUndefined();
    else expect(got).toContain(why);
  });
});

describe("tokens", () => {
  const token = (boundObjectRef?: object) =>
    refused(
      "serviceaccounts",
      { metadata: { name: "robot", namespace: "shop" }, spec: { audiences: [], boundObjectRef } },
      { subresource: "token" },
    );
  test.each([
    [undefined, "node requested token not bound to a pod"],
    [{ apiVersion: "v1", kind: "Pod", name: "theirs", uid: "2" }, "bound to a pod scheduled on a different node"],
    [{ apiVersion: "v1", kind: "Pod", name: "mine", uid: "0" }, "does not match the UID in record"],
  ])("%j", async (bound, why) => {
    expect(await token(bound)).toContain(why);
  });
  test("for its own pods it gets them", async () => {
    expect(await token({ apiVersion: "v1", kind: "Pod", name: "mine", uid: "1" })).toBeUndefined();
  });
});

test("leases are those of its own heartbeat", async () => {
  const lease = (name: string, namespace: string) =>
    refused("leases.coordination.k8s.io", { metadata: { name, namespace } });
  expect(await lease("a", "kube-node-lease")).toBeUndefined();
  expect(await lease("b", "kube-node-lease")).toContain("with the same name as the requesting node");
  expect(await lease("a", "kube-system")).toContain('"kube-node-lease" system namespace');
});

test("others are not restricted", async () => {
  expect(await refused("pods", pod(1), { user: { name: "bob", groups: [] } })).toBeUndefined();
});
