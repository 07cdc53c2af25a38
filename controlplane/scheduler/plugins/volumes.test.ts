import { describe, expect, test } from "vitest";
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from "../../api/mod.ts";
import { filterPod } from "../explain.ts";
import type { ClusterObjects } from "../objects.ts";
import { aNode, aPod, bound } from "../scheduler.testing.ts";

const zone = "topology.kubernetes.io/zone";
const nodes = [aNode("a", { labels: { [zone]: "x" } }), aNode("b", { labels: { [zone]: "y" } })];

function claim(name: string, spec: Partial<PersistentVolumeClaim["spec"]> = {}): PersistentVolumeClaim {
  return {
    metadata: { namespace: "default", name, uid: `uid-of-${name}` },
    spec: {
      accessModes: ["ReadWriteOnce"],
      storageClassName: "late",
      resources: { requests: { storage: "1Gi" } },
      ...spec,
    },
    status: { phase: spec?.volumeName === undefined ? "Pending" : "Bound" },
  };
}

function volume(
  name: string,
  node: string | undefined,
  spec: Partial<PersistentVolume["spec"]> = {},
): PersistentVolume {
  const term = { matchFields: [{ key: "metadata.name", operator: "In" as const, values: [node ?? ""] }] };
  const nodeAffinity = node === undefined ? undefined : { required: { nodeSelectorTerms: [term] } };
  return {
    metadata: { name },
    spec: {
      capacity: { storage: "2Gi" },
      accessModes: ["ReadWriteOnce"],
      storageClassName: "late",
      nodeAffinity,
      ...spec,
    },
    status: { phase: "Available" },
  };
}

function storageClass(more: Partial<StorageClass> = {}): StorageClass {
  const provisioner = "kubernetes.io/no-provisioner";
  return { metadata: { name: "late" }, provisioner, volumeBindingMode: "WaitForFirstConsumer", ...more };
}

const using = (...claims: string[]) =>
  aPod("p", {
    volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
  });

function refusals(pod: Pod, cluster: Omit<ClusterObjects, "nodes">) {
  const verdicts = filterPod(pod, { nodes, storageClasses: [storageClass()], ...cluster });
  return verdicts.map(({ verdicts: all }) => [...new Set(all.flatMap(({ reasons }) => reasons))].join());
}

const noMatch = "node(s) didn't find available persistent volumes to bind";

describe("volumes", () => {
  test("a claim that is missing, being deleted, or bound by somebody else keeps the pod waiting", () => {
    expect(refusals(using("c"), {})[0]).toBe('persistentvolumeclaim "c" not found');
    const immediate = [storageClass({ volumeBindingMode: "Immediate" })];
    const reasons = filterPod(using("c"), { nodes, storageClasses: immediate, persistentVolumeClaims: [claim("c")] });
    expect(reasons[0]?.verdicts[0]?.reasons).toEqual(["pod has unbound immediate PersistentVolumeClaims"]);
  });

  test("a bound volume binds the pod to where it can be reached", () => {
    const cluster = {
      persistentVolumeClaims: [claim("c", { volumeName: "v" })],
      persistentVolumes: [volume("v", "a")],
    };
    expect(refusals(using("c"), cluster)).toEqual(["", "node(s) had volume node affinity conflict"]);
    expect(refusals(using("c"), { ...cluster, persistentVolumes: [] })[0]).toBe('persistentvolume "v" not found');
  });

  test("a claim that waits for its consumer finds a volume that is free, large enough and near", () => {
    const persistentVolumeClaims = [claim("c"), claim("d")];
    const one = { persistentVolumeClaims, persistentVolumes: [volume("v", "a")] };
    expect(refusals(using("c"), one)).toEqual(["", noMatch]);
    expect(refusals(using("c", "d"), one)).toEqual([noMatch, noMatch]);
    expect(refusals(using("c", "d"), { ...one, persistentVolumes: [volume("v", "a"), volume("w", "a")] })[0]).toBe("");
    const small = volume("v", "a", { capacity: { storage: "500Mi" } });
    expect(refusals(using("c"), { ...one, persistentVolumes: [small] })).toEqual([noMatch, noMatch]);
    const taken = volume("v", "a", { claimRef: { namespace: "default", name: "other" } });
    expect(refusals(using("c"), { ...one, persistentVolumes: [taken] })).toEqual([noMatch, noMatch]);
  });

  test("or has one made, where its class allows it", () => {
    const allowedTopologies = [{ matchLabelExpressions: [{ key: zone, values: ["y"] }] }];
    const storageClasses = [storageClass({ provisioner: "example.com/disks", allowedTopologies })];
    const cluster = { storageClasses, persistentVolumeClaims: [claim("c")] };
    expect(refusals(using("c"), cluster)).toEqual([noMatch, ""]);
    const csiDrivers = [{ metadata: { name: "example.com/disks" }, spec: { storageCapacity: true } }];
    expect(refusals(using("c"), { ...cluster, csiDrivers })[1]).toBe("node(s) did not have enough free storage");
    const capacity = { metadata: { name: "s" }, storageClassName: "late", nodeTopology: {}, capacity: "5Gi" };
    expect(refusals(using("c"), { ...cluster, csiDrivers, csiStorageCapacities: [capacity] })[1]).toBe("");
    const selected = claim("c");
    selected.metadata.annotations = { "volume.kubernetes.io/selected-node": "a" };
    expect(refusals(using("c"), { ...cluster, persistentVolumeClaims: [selected] })[1]).toBe(noMatch);
  });

  test("a volume's zone is the pod's", () => {
    const zoned = volume("v", undefined);
    zoned.metadata.labels = { [zone]: "y__z" };
    const cluster = { persistentVolumeClaims: [claim("c", { volumeName: "v" })], persistentVolumes: [zoned] };
    expect(refusals(using("c"), cluster)).toEqual(["node(s) had no available volume zone", ""]);
  });

  test("a claim for one pod serves one pod", () => {
    const exclusive = claim("c", { volumeName: "v", accessModes: ["ReadWriteOncePod"] });
    const user = bound({ ...using("c"), metadata: { namespace: "default", name: "user" } }, "a");
    const cluster = { persistentVolumeClaims: [exclusive], persistentVolumes: [volume("v", undefined)], pods: [user] };
    const reason = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode";
    expect(refusals(using("c"), cluster)).toEqual([reason, reason]);
  });

  test("a node attaches so many volumes of a driver and no more", () => {
    const driver = { name: "d", nodeID: "a", allocatable: { count: 1 } };
    const csiNodes = [{ metadata: { name: "a" }, spec: { drivers: [driver] } }];
    const csi = (handle: string) => ({ csi: { driver: "d", volumeHandle: handle } });
    const persistentVolumes = [volume("v", undefined, csi("1")), volume("w", undefined, csi("2"))];
    const persistentVolumeClaims = [claim("c", { volumeName: "v" }), claim("d", { volumeName: "w" })];
    const user = bound({ ...using("c"), metadata: { namespace: "default", name: "user" } }, "a");
    const cluster = { csiNodes, persistentVolumes, persistentVolumeClaims, pods: [user] };
    expect(refusals(using("d"), cluster)).toEqual(["node(s) exceed max volume count", ""]);
    expect(refusals(using("c"), cluster)).toEqual(["", ""]);
  });
});
