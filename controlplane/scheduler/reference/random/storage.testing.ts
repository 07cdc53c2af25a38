import fc from "fast-check";
import type { CSINode, PersistentVolume, PersistentVolumeClaim, Volume } from "../../../api/mod.ts";
import type { ClusterObjects } from "../../mod.ts";
import { imageName } from "./containers.testing.ts";
import { few, rarely, zone } from "./parts.testing.ts";

const readOnly = fc.boolean();
const disk: fc.Arbitrary<Omit<Volume, "name">> = fc.oneof(
  readOnly.map((readOnly) => ({ gcePersistentDisk: { pdName: "d", readOnly } })),
  fc.constantFrom("v1", "v2").map((volumeID) => ({ awsElasticBlockStore: { volumeID } })),
  readOnly.map((readOnly) => ({ iscsi: { targetPortal: "t", iqn: "q", lun: 0, readOnly } })),
  fc
    .record({ readOnly, monitors: fc.subarray(["m1", "m2"], { minLength: 1 }), image: fc.constantFrom("i1", "i2") })
    .map((rbd) => ({ rbd: { ...rbd, pool: "rbd" } })),
) as fc.Arbitrary<Omit<Volume, "name">>;

const claimNames = ["c0", "c1", "c2", "c3"];
const claimed = fc
  .subarray(claimNames, { minLength: 1, maxLength: 2 })
  .map((names) => names.map((claimName) => ({ persistentVolumeClaim: { claimName } })));

export const volumes = (oneIn: number): fc.Arbitrary<Volume[]> =>
  fc
    .record({
      disks: rarely(few(disk, 2), oneIn * 2),
      claims: rarely(claimed, oneIn),
      missing: rarely(fc.constant([{ persistentVolumeClaim: { claimName: "nowhere" } }]), oneIn * 12),
      ephemeral: rarely(fc.constant([{ ephemeral: {} }]), oneIn * 6),
      image: rarely(
        imageName.map((reference) => [{ image: { reference } }]),
        oneIn * 2,
      ),
    })
    .map((all) => Object.values(all).flatMap((one) => one ?? []))
    .map((all) => all.map((volume, i) => ({ name: `v${i}`, ...volume }))) as fc.Arbitrary<Volume[]>;

const driver = "csi.example.com";

export const storageClasses = [
  { metadata: { name: "late" }, provisioner: driver, volumeBindingMode: "WaitForFirstConsumer" },
  {
    metadata: { name: "static" },
    provisioner: "kubernetes.io/no-provisioner",
    volumeBindingMode: "WaitForFirstConsumer",
  },
  {
    metadata: { name: "zonal" },
    provisioner: "other.example.com",
    volumeBindingMode: "WaitForFirstConsumer",
    allowedTopologies: [{ matchLabelExpressions: [{ key: zone, values: ["a"] }] }],
  },
  {
    metadata: { name: "nowhere" },
    provisioner: "other.example.com",
    volumeBindingMode: "WaitForFirstConsumer",
    allowedTopologies: [{}],
  },
  { metadata: { name: "now" }, provisioner: driver, volumeBindingMode: "Immediate" },
].map((one) => ({ apiVersion: "storage.k8s.io/v1", kind: "StorageClass", ...one })) as NonNullable<
  ClusterObjects["storageClasses"]
>;

/** Volume pvN is for claim cN where both agree; sizes differ, so that "the smallest that fits" is one. */
export const persistentVolumes: fc.Arbitrary<PersistentVolume[]> = fc
  .array(
    fc.record({
      there: fc.integer({ min: 0, max: 7 }).map((n) => n > 0),
      storageClassName: fc.constantFrom("late", "static", "static", "zonal"),
      reachable: rarely(fc.constantFrom("a", "b"), 2),
      zones: rarely(fc.constantFrom("a", "b", "a__b"), 3),
      csi: fc.boolean(),
      phase: fc.constantFrom("Available", "Available", "Available", "Released"),
      prebound: rarely(fc.constantFrom("c0", "c3", "c9"), 8),
      block: rarely(fc.constant("Block"), 10),
      modes: fc.constantFrom(["ReadWriteOnce"], ["ReadWriteOnce", "ReadOnlyMany"], ["ReadWriteOncePod"]),
    }),
    { minLength: 5, maxLength: 5 },
  )
  .map((all) =>
    all.flatMap((traits, i) => {
      if (!traits.there) return [];
      const spec = {
        capacity: { storage: `${i + 1}Gi` },
        storageClassName: traits.storageClassName,
        accessModes: traits.modes,
        ...(traits.csi ? { csi: { driver, volumeHandle: `h${i}` } } : { local: { path: "/d" } }),
        ...(traits.block ? { volumeMode: traits.block } : {}),
        ...(traits.prebound
          ? { claimRef: { kind: "PersistentVolumeClaim", namespace: "default", name: traits.prebound } }
          : {}),
        ...(traits.reachable
          ? {
              nodeAffinity: {
                required: {
                  nodeSelectorTerms: [
                    { matchExpressions: [{ key: zone, operator: "In", values: [traits.reachable] }] },
                  ],
                },
              },
            }
          : {}),
      };
      const metadata = { name: `pv${i}`, labels: traits.zones ? { [zone]: traits.zones } : {} };
      return [{ apiVersion: "v1", kind: "PersistentVolume", metadata, spec, status: { phase: traits.phase } }];
    }),
  ) as unknown as fc.Arbitrary<PersistentVolume[]>;

export const persistentVolumeClaims: fc.Arbitrary<PersistentVolumeClaim[]> = fc
  .array(
    fc.record({
      kind: fc.constantFrom("bound", "bound", "waiting", "waiting", "waiting", "immediate", "binding"),
      storageClassName: fc.constantFrom("late", "late", "static", "static", "zonal", "zonal", "nowhere"),
      size: fc.constantFrom("500Mi", "1500Mi", "2500Mi", "9Gi"),
      mode: fc.constantFrom("ReadWriteOnce", "ReadWriteOnce", "ReadWriteOnce", "ReadWriteOncePod"),
      selected: rarely(fc.constantFrom("n0", "n1"), 10),
      leaving: rarely(fc.constant(true), 30),
      lost: rarely(fc.constant(true), 30),
      block: rarely(fc.constant("Block"), 12),
    }),
    { minLength: claimNames.length, maxLength: claimNames.length },
  )
  .map((all) =>
    all.map((traits, i) => {
      const bound = traits.kind === "bound";
      const annotations = {
        ...(bound ? { "pv.kubernetes.io/bind-completed": "yes" } : {}),
        ...(traits.selected ? { "volume.kubernetes.io/selected-node": traits.selected } : {}),
      };
      return {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: {
          name: claimNames[i],
          namespace: "default",
          uid: `uid-c${i}`,
          annotations,
          ...(traits.leaving ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
        },
        spec: {
          accessModes: [traits.mode],
          storageClassName: traits.kind === "immediate" ? "now" : traits.storageClassName,
          resources: { requests: { storage: `${traits.size}` } },
          ...(bound || traits.kind === "binding" ? { volumeName: `pv${i}` } : {}),
          ...(traits.block ? { volumeMode: traits.block } : {}),
        },
        status: { phase: traits.lost ? "Lost" : bound ? "Bound" : "Pending" },
      };
    }),
  ) as fc.Arbitrary<PersistentVolumeClaim[]>;

export const csiNodes: fc.Arbitrary<CSINode[]> = fc
  .array(fc.constantFrom(undefined, 0, 0, 1, 2), { maxLength: 5 })
  .map((limits) =>
    limits.map((count, i) => ({
      apiVersion: "storage.k8s.io/v1",
      kind: "CSINode",
      metadata: { name: `n${i}` },
      spec: {
        drivers: [{ name: driver, nodeID: `n${i}`, ...(count === undefined ? {} : { allocatable: { count } }) }],
      },
    })),
  ) as fc.Arbitrary<CSINode[]>;

export const capacities = rarely(
  fc.record({
    zone: fc.constantFrom("a", "b"),
    capacity: fc.constantFrom("1Gi", "5Gi"),
    max: rarely(fc.constant("2Gi")),
  }),
  2,
).map((one) => ({
  csiDrivers: one && [
    { apiVersion: "storage.k8s.io/v1", kind: "CSIDriver", metadata: { name: driver }, spec: { storageCapacity: true } },
  ],
  csiStorageCapacities: one && [
    {
      apiVersion: "storage.k8s.io/v1",
      kind: "CSIStorageCapacity",
      metadata: { name: "left", namespace: "default" },
      storageClassName: "late",
      capacity: one.capacity,
      ...(one.max ? { maximumVolumeSize: one.max } : {}),
      nodeTopology: { matchLabels: { [zone]: one.zone } },
    },
  ],
}));

/** A claim for the ephemeral volume of the incoming pod: made, made for somebody else, or not yet made. */
export const ephemeralClaims = fc.constantFrom("uid-incoming", "uid-incoming", "uid-other", undefined);
