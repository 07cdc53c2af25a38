import type { Pod } from "../../../api/mod.ts";
import type { ClusterObjects } from "../../mod.ts";
import { aNode, aPod, bound } from "../../scheduler.testing.ts";
import { inA, inB, inC, isInA, refuses, zone } from "./cases.testing.ts";

const using = (name: string, claimName: string): Pod =>
  aPod(name, { volumes: [{ name: "v", persistentVolumeClaim: { claimName } }] });
const aClaim = (name: string, spec: object, bound = false) => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name, namespace: "default", annotations: bound ? { "pv.kubernetes.io/bind-completed": "yes" } : {} },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
});
const aVolume = (name: string, spec: object, labels = {}, phase = "Available") => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name, labels },
  spec: { capacity: { storage: "2Gi" }, accessModes: ["ReadWriteOnce"], ...spec },
  status: { phase },
});
const onlyInA = { nodeAffinity: { required: { nodeSelectorTerms: [isInA] } } };
const late = {
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name: "late" },
  provisioner: "kubernetes.io/no-provisioner",
  volumeBindingMode: "WaitForFirstConsumer",
};
const stored = (objects: object) => objects as Partial<ClusterObjects>;

refuses("VolumeBinding", {
  "a bound volume must be reachable": {
    pod: using("p", "c"),
    nodes: [inA, inB],
    more: stored({
      persistentVolumeClaims: [aClaim("c", { volumeName: "pv" }, true)],
      persistentVolumes: [aVolume("pv", onlyInA)],
    }),
    reasons: ["", "node(s) had volume node affinity conflict"],
  },
  "an unbound claim needs a volume that is large enough and reachable": {
    pod: using("p", "c"),
    nodes: [inA, inB],
    more: stored({
      storageClasses: [late],
      persistentVolumeClaims: [aClaim("c", { storageClassName: "late" })],
      persistentVolumes: [
        aVolume("near", { storageClassName: "late", ...onlyInA }),
        aVolume("small", { storageClassName: "late", capacity: { storage: "512Mi" } }),
      ],
    }),
    reasons: ["", "node(s) didn't find available persistent volumes to bind"],
  },
  "a claim that should be bound by now stops the pod everywhere": {
    pod: using("p", "c"),
    nodes: [inA],
    more: stored({ persistentVolumeClaims: [aClaim("c", {})] }),
    reasons: ["pod has unbound immediate PersistentVolumeClaims"],
  },
});

refuses("VolumeZone", {
  "a volume's zones": {
    pod: using("p", "c"),
    nodes: [inA, inB, inC, aNode("nowhere")],
    more: stored({
      persistentVolumeClaims: [aClaim("c", { volumeName: "pv" }, true)],
      persistentVolumes: [aVolume("pv", {}, { [zone]: "A__B" })],
    }),
    reasons: ["", "", "node(s) had no available volume zone", ""],
  },
});

const csi = (handle: string) => ({ csi: { driver: "d", volumeHandle: handle } });

refuses("NodeVolumeLimits", {
  "volumes of a driver, each once": {
    pod: using("p", "c1"),
    nodes: [inA, inB],
    pods: [
      bound(using("1", "c1"), "a"),
      bound(using("2", "c2"), "a"),
      bound(using("3", "c2"), "b"),
      bound(using("4", "c3"), "b"),
    ],
    more: stored({
      persistentVolumeClaims: ["1", "2", "3"].map((n) => aClaim(`c${n}`, { volumeName: `pv${n}` }, true)),
      persistentVolumes: ["1", "2", "3"].map((n) => aVolume(`pv${n}`, csi(n))),
      csiNodes: ["a", "b"].map((name) => ({
        apiVersion: "storage.k8s.io/v1",
        kind: "CSINode",
        metadata: { name },
        spec: { drivers: [{ name: "d", nodeID: name, allocatable: { count: 2 } }] },
      })),
    }),
    // a: {1, 2} and 1 again: 2 <= 2. b: {2, 3} and 1: 3 > 2
    reasons: ["", "node(s) exceed max volume count"],
  },
});

const disk = (name: string, readOnly: boolean): Pod =>
  aPod(name, { volumes: [{ name: "v", gcePersistentDisk: { pdName: "d", readOnly } }] });

refuses("VolumeRestrictions", {
  "a disk that somebody writes": {
    pod: disk("p", true),
    nodes: [inA, inB],
    pods: [bound(disk("1", false), "a"), bound(disk("2", true), "b")],
    reasons: ["node(s) had no available disk", ""],
  },
  "a claim for one pod only": {
    pod: using("p", "c"),
    nodes: [inA, inB],
    pods: [bound(using("1", "c"), "a")],
    more: stored({
      persistentVolumeClaims: [aClaim("c", { volumeName: "pv", accessModes: ["ReadWriteOncePod"] }, true)],
      persistentVolumes: [aVolume("pv", {})],
    }),
    reasons: Array(2).fill(
      "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode",
    ),
  },
});
