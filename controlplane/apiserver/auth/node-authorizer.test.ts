import { describe, expect, test } from "vitest";
import type { PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttachment } from "../../api/mod.ts";
import { nodeRules } from "./bootstrap-policy.ts";
import { NodeAuthorizer } from "./node-authorizer.ts";

const kubelet = { name: "system:node:a", groups: ["system:nodes", "system:authenticated"] };
const pod = (name: string, nodeName: string, spec: object) =>
  ({ metadata: { name, namespace: "shop" }, spec: { nodeName, containers: [], ...spec } }) as unknown as Pod;
const pods = [
  pod("web", "a", {
    serviceAccountName: "robot",
    containers: [{ name: "c", env: [{ name: "X", valueFrom: { secretKeyRef: { name: "of-env", key: "k" } } }] }],
    imagePullSecrets: [{ name: "of-registry" }],
    volumes: [
      { name: "v", projected: { sources: [{ configMap: { name: "of-projection" } }] } },
      { name: "w", persistentVolumeClaim: { claimName: "data" } },
      { name: "e", ephemeral: {} },
    ],
  }),
  pod("db", "b", { volumes: [{ name: "v", secret: { secretName: "of-db" } }] }),
];
const volume = {
  metadata: { name: "pv" },
  spec: {
    claimRef: { namespace: "shop", name: "data" },
    csi: { nodeStageSecretRef: { namespace: "csi", name: "of-csi" } },
  },
};
const authorizer = new NodeAuthorizer(
  {
    podsOn: (node) => pods.filter(({ spec }) => spec.nodeName === node),
    pod: (_namespace, name) => pods.find(({ metadata }) => metadata.name === name),
    claim: (_namespace, name) =>
      name === "data" ? ({ spec: { volumeName: "pv" } } as unknown as PersistentVolumeClaim) : undefined,
    volume: (name) => (name === "pv" ? (volume as unknown as PersistentVolume) : undefined),
    attachment: (name) => ({ spec: { nodeName: name === "at-a" ? "a" : "b" } }) as unknown as VolumeAttachment,
  },
  nodeRules,
);

/** `verb resource[/subresource][.group] [namespace/]name[?fieldSelector]` */
function may(request: string, user = kubelet) {
  const [verb = "", what = "", where = ""] = request.split(" ");
  const [resourcePath = "", ...group] = what.split(".");
  const [resource = "", subresource = ""] = resourcePath.split("/");
  const [path = "", fieldSelector = ""] = where.split("?");
  const [name = "", namespace = ""] = path.split("/").reverse();
  const asked = {
    kind: "resource",
    user,
    verb,
    group: group.join("."),
    resource,
    subresource,
    namespace,
    name,
  } as const;
  return authorizer.authorize({ ...asked, fieldSelector });
}

describe("a kubelet may", () => {
  test.each([
    "get secrets shop/of-env",
    "watch secrets shop/of-registry",
    "get secrets csi/of-csi",
    "list configmaps shop/of-projection",
    "get persistentvolumeclaims shop/data",
    "get persistentvolumeclaims shop/web-e",
    "patch persistentvolumeclaims/status shop/data",
    "get persistentvolumes pv",
    "get volumeattachments.storage.k8s.io at-a",
    "create serviceaccounts/token shop/robot",
    "get pods shop/web",
    "watch pods /?spec.nodeName=a",
    "list pods /?status.phase!=Failed,spec.nodeName=a",
    "delete pods shop/web",
    "patch pods/status shop/web",
    "create pods/eviction shop/web",
    "create nodes",
    "patch nodes/status a",
    "list nodes",
    "update leases.coordination.k8s.io kube-node-lease/a",
    "create leases.coordination.k8s.io kube-node-lease/",
    "get csinodes.storage.k8s.io a",
    "list services",
    "create events shop/",
    "watch runtimeclasses.node.k8s.io",
  ])("%s", (request) => {
    expect(may(request).allowed).toBe(true);
  });
});

describe("a kubelet may not", () => {
  const unrelated = "no relationship found between node 'a' and this object";
  test.each([
    ["get secrets shop/of-db", unrelated],
    ["get secrets other/of-env", unrelated],
    ["list secrets shop/", "can only read namespaced object of this type"],
    ["update secrets shop/of-env", "can only get/list/watch resources of this type"],
    ["get persistentvolumes other", unrelated],
    ["get volumeattachments.storage.k8s.io at-b", unrelated],
    ["create serviceaccounts/token shop/other", unrelated],
    ["get pods shop/db", unrelated],
    ["list pods shop/", "can only list/watch pods with spec.nodeName field selector"],
    ["list pods /?spec.nodeName=b", "can only list/watch pods with spec.nodeName field selector"],
    ["list pods /?metadata.name=x\\,spec.nodeName=a", "can only list/watch pods with spec.nodeName field selector"],
    ["patch nodes b", "node 'a' cannot patch node 'b', only its own Node object"],
    [
      "get leases.coordination.k8s.io kube-system/a",
      'can only access leases in the "kube-node-lease" system namespace',
    ],
    [
      "update leases.coordination.k8s.io kube-node-lease/b",
      "can only access node lease with the same name as the requesting node",
    ],
    ["create pods/binding shop/web", ""],
    ["list deployments.apps shop/", ""],
  ])("%s", (request, reason) => {
    expect(may(request)).toEqual({ allowed: false, reason });
  });
});

test("about others it has no opinion, whatever they are called", () => {
  expect(may("list services", { name: "system:node:a", groups: ["system:authenticated"] })).toEqual({
    allowed: false,
    reason: "",
  });
  expect(may("list services", { name: "bob", groups: ["system:nodes"] })).toEqual({ allowed: false, reason: "" });
});
