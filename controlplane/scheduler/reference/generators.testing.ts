/**
 * Random clusters that are small and crowded: two zones, three kinds of disk, two applications, so that rules meet. Each rule is in only
 * some of the runs; with all of them at once no node would ever be left.
 */
import fc from "fast-check";
import type {
  Affinity,
  Container,
  CSINode,
  LabelSelector,
  Node,
  NodeSelectorTerm,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodAffinityTerm,
  PodDisruptionBudget,
  Taint,
  Toleration,
  TopologySpreadConstraint,
  Volume,
} from "../../api/mod.ts";
import type { ClusterObjects, PluginArgs } from "../mod.ts";

export interface Situation {
  readonly pod: Pod;
  readonly cluster: ClusterObjects;
  readonly args: PluginArgs;
}

const zone = "topology.kubernetes.io/zone";
const region = "topology.kubernetes.io/region";
const hostname = "kubernetes.io/hostname";
const gpu = "example.com/gpu";

/** Present once in so many runs. */
function rarely<T>(value: fc.Arbitrary<T>, oneIn = 4): fc.Arbitrary<T | undefined> {
  return fc.oneof({ arbitrary: fc.constant(undefined), weight: oneIn - 1 }, { arbitrary: value, weight: 1 });
}

const few = <T>(value: fc.Arbitrary<T>, maxLength: number): fc.Arbitrary<T[]> =>
  fc.array(value, { maxLength, size: "max" });
const some = <T>(value: fc.Arbitrary<T>, maxLength: number): fc.Arbitrary<T[]> =>
  fc.array(value, { minLength: 1, maxLength, size: "max" });

function present<T extends object>(object: T): Partial<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** Each label with one of its values, or not at all. */
function labels(values: Readonly<Record<string, fc.Arbitrary<string | undefined>>>) {
  return fc.record(values).map((all) => present(all) as Record<string, string>);
}

const podLabels = labels({
  app: fc.constantFrom("web", "db", undefined),
  tier: fc.constantFrom("front", "back", undefined),
  version: fc.constantFrom("1", "2", undefined),
});

const selector: fc.Arbitrary<LabelSelector> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("web", "db").map((app) => ({ matchLabels: { app } })) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<LabelSelector>(
      { matchExpressions: [{ key: "tier", operator: "Exists" }] },
      { matchExpressions: [{ key: "tier", operator: "DoesNotExist" }] },
      { matchExpressions: [{ key: "app", operator: "NotIn", values: ["db"] }] },
      { matchLabels: { app: "web" }, matchExpressions: [{ key: "tier", operator: "In", values: ["front", "back"] }] },
    ),
  },
  { weight: 1, arbitrary: fc.constant({}) },
);

const requests = fc
  .record({
    cpu: fc.constantFrom(undefined, "0", "100m", "250m", "500m", "1"),
    memory: fc.constantFrom(undefined, "64Mi", "200Mi", "512Mi", "1Gi"),
    "ephemeral-storage": rarely(fc.constantFrom("1Gi", "4Gi"), 8),
    [gpu]: rarely(fc.constantFrom("0", "1", "2"), 6),
    "hugepages-2Mi": rarely(fc.constantFrom("2Mi", "4Mi"), 12),
  })
  .map((all) => present(all) as Record<string, string>);

const images = { "tiny:1": 5, "registry.local:5000/base:latest": 60, "web:2": 400, "db:9": 900, "ml@sha256:1": 2500 };
const imageName = fc.constantFrom("tiny:1", "registry.local:5000/base", "web:2", "db:9", "ml@sha256:1", "unknown");

const port = fc.record({
  containerPort: fc.constant(80),
  hostPort: fc.constantFrom(undefined, 80, 80, 81),
  hostIP: fc.constantFrom(undefined, "", "0.0.0.0", "10.0.0.1", "10.0.0.2"),
  protocol: fc.constantFrom("TCP" as const, "UDP" as const, undefined),
});

const container: fc.Arbitrary<Container> = fc
  .record({ image: imageName, requests: rarely(requests, 2), ports: rarely(few(port, 2)) })
  .map(({ image, requests, ports }) => ({
    name: "c",
    image,
    resources: requests === undefined ? {} : { requests },
    ...(ports === undefined ? {} : { ports: ports.map((one) => present(one)) }),
  })) as fc.Arbitrary<Container>;

const initContainer: fc.Arbitrary<Container> = fc
  .tuple(container, fc.boolean())
  .map(([one, sidecar]) => (sidecar ? { ...one, restartPolicy: "Always" } : one)) as fc.Arbitrary<Container>;

const affinityTerm: fc.Arbitrary<PodAffinityTerm> = fc
  .record({
    topologyKey: fc.constantFrom(zone, hostname, "disk"),
    labelSelector: fc.oneof({ weight: 9, arbitrary: selector }, { weight: 1, arbitrary: fc.constant(undefined) }),
    namespaces: rarely(fc.subarray(["default", "other"], { minLength: 1 }), 5),
    namespaceSelector: rarely(
      fc.constantFrom<LabelSelector>({}, { matchLabels: { team: "a" } }, { matchLabels: { team: "b" } }),
      5,
    ),
    matchLabelKeys: rarely(fc.constant(["version"]), 6),
  })
  .chain((term) =>
    fc.boolean().map((mismatch) => {
      const { matchLabelKeys, ...rest } = term;
      if (matchLabelKeys === undefined || rest.labelSelector === undefined) return rest;
      return mismatch ? { ...rest, mismatchLabelKeys: matchLabelKeys } : { ...rest, matchLabelKeys };
    }),
  )
  .map(present) as fc.Arbitrary<PodAffinityTerm>;

const weight = fc.integer({ min: 1, max: 100 });
const preferredTerm = fc.record({ weight, podAffinityTerm: affinityTerm });

function podAffinity(oneIn: number) {
  return rarely(
    fc
      .record({
        requiredDuringSchedulingIgnoredDuringExecution: rarely(some(affinityTerm, 2), 3),
        preferredDuringSchedulingIgnoredDuringExecution: rarely(some(preferredTerm, 2), 2),
      })
      .map(present),
    oneIn,
  );
}

const nodeRequirement = fc.constantFrom(
  { key: "disk", operator: "In", values: ["ssd", "nvme"] },
  { key: "disk", operator: "NotIn", values: ["hdd"] },
  { key: "disk", operator: "Exists" },
  { key: zone, operator: "In", values: ["a"] },
  { key: zone, operator: "DoesNotExist" },
  { key: "cores", operator: "Gt", values: ["2"] },
  { key: "cores", operator: "Lt", values: ["4"] },
);

const nodeTerm: fc.Arbitrary<NodeSelectorTerm> = fc
  .record({
    matchExpressions: rarely(some(nodeRequirement, 2), 2),
    matchFields: rarely(
      some(
        fc.record({
          key: fc.constant("metadata.name"),
          operator: fc.constantFrom("In", "In", "NotIn"),
          values: fc.subarray(["n0", "n1", "n2", "n9"], { minLength: 1 }),
        }),
        2,
      ),
      3,
    ),
  })
  .map(present) as fc.Arbitrary<NodeSelectorTerm>;

const preferredNodes = some(fc.record({ weight, preference: nodeTerm }), 3);

const nodeAffinity = fc
  .record({
    requiredDuringSchedulingIgnoredDuringExecution: rarely(
      some(nodeTerm, 2).map((nodeSelectorTerms) => ({ nodeSelectorTerms })),
      2,
    ),
    preferredDuringSchedulingIgnoredDuringExecution: rarely(preferredNodes, 2),
  })
  .map(present);

interface OneIn {
  readonly nodes: number;
  readonly pods: number;
  readonly volumes: number;
}

const affinity = (oneIn: OneIn): fc.Arbitrary<Affinity> =>
  fc
    .record({
      nodeAffinity: rarely(nodeAffinity, oneIn.nodes),
      podAffinity: podAffinity(oneIn.pods),
      podAntiAffinity: podAffinity(oneIn.pods),
    })
    .map(present) as fc.Arbitrary<Affinity>;

const toleration: fc.Arbitrary<Toleration> = fc
  .record({
    key: fc.constantFrom(undefined, "dedicated", "spot", "node.kubernetes.io/unschedulable"),
    operator: fc.constantFrom(undefined, "Exists" as const, "Equal" as const),
    value: fc.constantFrom(undefined, "x", "y"),
    effect: fc.constantFrom(undefined, "NoSchedule" as const, "PreferNoSchedule" as const, "NoExecute" as const),
  })
  // As validation has it: without a key it must be Exists, and Exists has no value.
  .map((one) => (one.key === undefined ? { ...one, operator: "Exists" as const } : one))
  .map((one) => present(one.operator === "Exists" ? { ...one, value: undefined } : one));

const taint: fc.Arbitrary<Taint> = fc
  .record({
    key: fc.constantFrom("dedicated", "spot"),
    value: fc.constantFrom("x", "y", undefined),
    effect: fc.oneof(
      { weight: 6, arbitrary: fc.constant("PreferNoSchedule" as const) },
      { weight: 1, arbitrary: fc.constantFrom("NoSchedule" as const, "NoExecute" as const) },
    ),
  })
  .map((one) => present(one) as Taint);

const constraint: fc.Arbitrary<TopologySpreadConstraint> = fc
  .record({
    topologyKey: fc.constantFrom(zone, hostname, "disk"),
    maxSkew: fc.integer({ min: 1, max: 3 }),
    whenUnsatisfiable: fc.constantFrom("DoNotSchedule" as const, "ScheduleAnyway" as const),
    labelSelector: fc.oneof({ weight: 12, arbitrary: selector }, { weight: 1, arbitrary: fc.constant(undefined) }),
    minDomains: rarely(fc.integer({ min: 1, max: 4 }), 3),
    nodeAffinityPolicy: rarely(fc.constantFrom("Honor" as const, "Ignore" as const), 3),
    nodeTaintsPolicy: rarely(fc.constantFrom("Honor" as const, "Ignore" as const), 3),
    matchLabelKeys: rarely(fc.constant(["version"]), 4),
  })
  .map(({ minDomains, matchLabelKeys, ...rest }) => ({
    ...rest,
    minDomains: rest.whenUnsatisfiable === "DoNotSchedule" ? minDomains : undefined,
    matchLabelKeys: rest.labelSelector === undefined ? undefined : matchLabelKeys,
  }))
  .map((one) => present(one) as TopologySpreadConstraint);

/** As validation has it: no two of a kind for one key. */
const constraints = fc.uniqueArray(constraint, {
  minLength: 1,
  maxLength: 3,
  selector: (one) => `${one.topologyKey} ${one.whenUnsatisfiable}`,
});

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

const volumes = (oneIn: number): fc.Arbitrary<Volume[]> =>
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

const nodes = (maxLength: number): fc.Arbitrary<Node[]> =>
  fc
    .array(
      fc.record({
        labels: labels({
          [zone]: fc.constantFrom("a", "a", "b", "b", undefined),
          [region]: fc.constantFrom("r", undefined),
          disk: fc.constantFrom("ssd", "hdd", "nvme", undefined),
          cores: fc.constantFrom("1", "2", "4", undefined),
        }),
        named: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
        taints: rarely(some(taint, 3), 2),
        unschedulable: rarely(fc.constant(true), 20),
        cpu: fc.constantFrom("1", "2", "3500m", "4"),
        memory: fc.constantFrom("1Gi", "2Gi", "3000Mi", "4Gi"),
        pods: fc.constantFrom("2", "5", "110", "110"),
        storage: fc.constantFrom(undefined, "3Gi", "10Gi"),
        gpus: fc.constantFrom(undefined, "1", "4"),
        hugepages: fc.constantFrom(undefined, "4Mi"),
        images: fc.subarray(Object.entries(images)),
      }),
      { minLength: 1, maxLength, size: "max" },
    )
    .map((all) =>
      all.map((traits, i) => ({
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: `n${i}`, labels: { ...traits.labels, ...(traits.named ? { [hostname]: `n${i}` } : {}) } },
        spec: present({ taints: traits.taints, unschedulable: traits.unschedulable }),
        status: {
          allocatable: present({
            cpu: traits.cpu,
            memory: traits.memory,
            pods: traits.pods,
            "ephemeral-storage": traits.storage,
            [gpu]: traits.gpus,
            "hugepages-2Mi": traits.hugepages,
          }),
          images: traits.images.map(([name, size]) => ({ names: [name], sizeBytes: size * 1024 * 1024 })),
        },
      })),
    ) as fc.Arbitrary<Node[]>;

const namespaces = ["default", "other", "third"].map((name, i) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels: i === 0 ? { team: "a" } : i === 1 ? { team: "b" } : {} },
}));

interface PodTraits {
  readonly namespace: string;
  readonly labels: Record<string, string>;
  readonly containers: Container[];
  readonly initContainers: Container[] | undefined;
  readonly resources: Record<string, string> | undefined;
  readonly overhead: Record<string, string> | undefined;
  readonly affinity: Affinity;
  readonly volumes: Volume[];
  readonly priority: number | undefined;
}

/** `oneIn`: how rarely the pod has affinity to nodes, to pods, and volumes. */
function podTraits(oneIn: OneIn): fc.Arbitrary<PodTraits> {
  return fc.record({
    namespace: fc.constantFrom("default", "default", "default", "other", "third"),
    labels: podLabels,
    containers: some(container, 2),
    initContainers: rarely(some(initContainer, 3), 4),
    resources: rarely(
      fc.constantFrom<Record<string, string>>({ cpu: "600m", memory: "300Mi" }, { cpu: "1500m", memory: "2Gi" }),
      10,
    ),
    overhead: rarely(fc.constant({ cpu: "50m", memory: "32Mi" }), 8),
    affinity: affinity(oneIn),
    volumes: volumes(oneIn.volumes),
    priority: fc.constantFrom(undefined, -5, 0, 10, 10, 50, 100),
  });
}

function podOf(name: string, traits: PodTraits, more: Partial<NonNullable<Pod["spec"]>> = {}): Pod {
  const { namespace, labels, resources, ...rest } = traits;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, uid: `uid-${name}`, labels },
    spec: {
      ...present({ ...rest, resources: resources && { requests: resources } }),
      containers: traits.containers,
      ...more,
    },
  } as Pod;
}

/** On one of so many nodes, or on one that is not there. */
const existingPod = (nodeCount: number) =>
  fc.record({
    traits: podTraits({ nodes: 12, pods: 5, volumes: 6 }),
    where: fc.integer({ min: 0, max: nodeCount }),
    terminating: rarely(fc.constant("2026-01-01T00:00:00Z"), 8),
    phase: fc.constantFrom(...Array(14).fill("Running"), "Succeeded", "Failed"),
    nominated: rarely(fc.constant(true), 10),
    evicted: fc.boolean(),
  });

const forPreemption = { type: "DisruptionTarget", status: "True", reason: "PreemptionByScheduler" };

/** No two started at the same moment: which of them is older is never open. */
const existingPods = (nodeCount: number, minLength: number, maxLength: number): fc.Arbitrary<Pod[]> =>
  fc.array(existingPod(nodeCount), { minLength, maxLength, size: "max" }).map((all) =>
    all.map(({ traits, where, terminating, phase, nominated, evicted }, i) => {
      const pod = podOf(`p${i}`, traits, nominated ? {} : { nodeName: `n${where}` });
      const startTime = new Date(((i * 7) % 17) * 60_000).toISOString();
      const conditions = terminating && evicted ? [forPreemption] : [];
      return {
        ...pod,
        metadata: { ...pod.metadata, ...(terminating ? { deletionTimestamp: terminating } : {}) },
        status: nominated ? { phase: "Pending", nominatedNodeName: `n${where}` } : { phase, startTime, conditions },
      } as Pod;
    }),
  );

const driver = "csi.example.com";

const storageClasses = [
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
const persistentVolumes: fc.Arbitrary<PersistentVolume[]> = fc
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

const persistentVolumeClaims: fc.Arbitrary<PersistentVolumeClaim[]> = fc
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

const csiNodes: fc.Arbitrary<CSINode[]> = fc
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

const capacities = rarely(
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

/** Whoever made the pod, and Services that choose it: they say which pods are its siblings when nothing else does. */
const owners = {
  services: [
    { kind: "Service", metadata: { name: "web", namespace: "default" }, spec: { selector: { app: "web" } } },
    { kind: "Service", metadata: { name: "tier", namespace: "default" }, spec: { selector: { tier: "front" } } },
    { kind: "Service", metadata: { name: "none", namespace: "default" }, spec: {} },
  ].map((one) => ({ apiVersion: "v1", ...one })),
  replicaSets: [
    {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: { name: "web", namespace: "default" },
      spec: { selector: { matchExpressions: [{ key: "app", operator: "In", values: ["web"] }] } },
    },
  ],
  statefulSets: [
    {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name: "db", namespace: "default" },
      spec: { serviceName: "db", selector: { matchLabels: { app: "db" } } },
    },
  ],
  replicationControllers: [
    {
      apiVersion: "v1",
      kind: "ReplicationController",
      metadata: { name: "rc", namespace: "default" },
      spec: { selector: { version: "1" } },
    },
  ],
} as unknown as Pick<ClusterObjects, "services" | "replicaSets" | "statefulSets" | "replicationControllers">;

const owner = fc.constantFrom(
  { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web" },
  { apiVersion: "apps/v1", kind: "StatefulSet", name: "db" },
  { apiVersion: "v1", kind: "ReplicationController", name: "rc" },
  { apiVersion: "batch/v1", kind: "Job", name: "job" },
);

const incomingPod = (oneIn: OneIn): fc.Arbitrary<Pod> =>
  fc
    .record({
      traits: podTraits(oneIn),
      tolerations: rarely(some(toleration, 3), 2),
      nodeSelector: rarely(fc.constantFrom<Record<string, string>>({ disk: "ssd" }, { [zone]: "a" }), 8),
      topologySpreadConstraints: rarely(constraints, 2),
      nodeName: rarely(fc.constantFrom("n0", "n1"), 25),
      owner: rarely(owner, 2),
    })
    .map(({ traits, owner, ...spec }) => {
      const pod = podOf("incoming", traits, present(spec));
      const references = owner && [{ ...owner, uid: "uid-owner", controller: true }];
      return { ...pod, metadata: { ...pod.metadata, ...(references ? { ownerReferences: references } : {}) } } as Pod;
    });

const resourceWeights = fc.constantFrom(
  undefined,
  [
    { name: "cpu", weight: 3 },
    { name: "memory", weight: 1 },
  ],
  [
    { name: "cpu", weight: 1 },
    { name: "memory", weight: 2 },
    { name: gpu, weight: 5 },
  ],
  [
    { name: gpu, weight: 1 },
    { name: "ephemeral-storage", weight: 1 },
    { name: "memory", weight: 1 },
  ],
);

const shape = fc.constantFrom(
  [
    { utilization: 0, score: 0 },
    { utilization: 100, score: 10 },
  ],
  [
    { utilization: 10, score: 10 },
    { utilization: 70, score: 3 },
    { utilization: 90, score: 0 },
  ],
);

const pluginArgs: fc.Arbitrary<PluginArgs> = fc
  .record({
    NodeResourcesFit: rarely(
      fc
        .record({
          ignored: rarely(fc.constantFrom({ ignoredResources: [gpu] }, { ignoredResourceGroups: ["example.com"] })),
          type: fc.constantFrom(
            "LeastAllocated" as const,
            "MostAllocated" as const,
            "RequestedToCapacityRatio" as const,
          ),
          resources: resourceWeights,
          shape,
        })
        .map(({ ignored, type, resources, shape }) => ({
          ...ignored,
          scoringStrategy: { type, ...present({ resources }), requestedToCapacityRatio: { shape } },
        })),
      2,
    ),
    NodeResourcesBalancedAllocation: rarely(
      resourceWeights.map((resources) => present({ resources })),
      3,
    ),
    NodeAffinity: rarely(
      fc
        .record({
          requiredDuringSchedulingIgnoredDuringExecution: rarely(
            nodeRequirement.map((one) => ({ nodeSelectorTerms: [{ matchExpressions: [one] }] })),
            2,
          ),
          preferredDuringSchedulingIgnoredDuringExecution: rarely(preferredNodes, 2),
        })
        .map((addedAffinity) => ({ addedAffinity: present(addedAffinity) })),
      10,
    ),
    PodTopologySpread: rarely(
      constraints.map((all) => ({
        defaultingType: "List" as const,
        // As validation has it: whom they are about is found, not said.
        defaultConstraints: all.map(({ topologyKey, maxSkew, whenUnsatisfiable }) => ({
          topologyKey,
          maxSkew,
          whenUnsatisfiable,
        })),
      })),
      4,
    ),
    InterPodAffinity: rarely(
      fc.record({
        hardPodAffinityWeight: fc.constantFrom(0, 1, 50),
        ignorePreferredTermsOfExistingPods: fc.boolean(),
      }),
      4,
    ),
  })
  .map(present) as fc.Arbitrary<PluginArgs>;

const budgets: fc.Arbitrary<PodDisruptionBudget[]> = few(
  fc.record({ selector, allowed: fc.nat(2), gone: rarely(fc.constantFrom("p0", "p3"), 4) }),
  2,
).map((all) =>
  all.map(({ selector, allowed, gone }, i) => ({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: `b${i}`, namespace: "default" },
    spec: { selector },
    status: {
      disruptionsAllowed: allowed,
      currentHealthy: 0,
      desiredHealthy: 0,
      expectedPods: 0,
      ...(gone ? { disruptedPods: { [gone]: "2026-01-01T00:00:00Z" } } : {}),
    },
  })),
) as fc.Arbitrary<PodDisruptionBudget[]>;

/** A claim for the ephemeral volume of the incoming pod: made, made for somebody else, or not yet made. */
const ephemeralClaims = fc.constantFrom("uid-incoming", "uid-incoming", "uid-other", undefined);

const situationOf = (nodeCount: number, pod: fc.Arbitrary<Pod>, pods: fc.Arbitrary<Pod[]>): fc.Arbitrary<Situation> =>
  fc
    .record({
      pod,
      nodes: nodes(nodeCount),
      pods,
      budgets,
      claims: persistentVolumeClaims,
      persistentVolumes,
      csiNodes,
      capacities,
      ephemeral: ephemeralClaims,
      args: rarely(pluginArgs, 2),
    })
    .map(({ pod, nodes, pods, claims, persistentVolumes, csiNodes, capacities, ephemeral, budgets, args = {} }) => {
      const made = (pod.spec?.volumes ?? [])
        .filter((volume) => volume.ephemeral !== undefined && ephemeral !== undefined)
        .map((volume) => ({
          ...(claims[0] as PersistentVolumeClaim),
          metadata: {
            ...claims[0]?.metadata,
            name: `incoming-${volume.name}`,
            namespace: pod.metadata.namespace,
            ownerReferences: [
              { apiVersion: "v1", kind: "Pod", name: "incoming", uid: ephemeral as string, controller: true },
            ],
          },
        }));
      // Claims are where the pod is: elsewhere it would find none.
      const inPlace = claims.map((claim) => ({
        ...claim,
        metadata: { ...claim.metadata, namespace: pod.metadata.namespace },
      }));
      const cluster = {
        nodes,
        pods,
        namespaces,
        ...owners,
        storageClasses,
        persistentVolumes,
        persistentVolumeClaims: [...inPlace, ...made],
        csiNodes,
        podDisruptionBudgets: budgets,
        ...present(capacities),
      };
      return { pod, cluster: cluster as unknown as ClusterObjects, args };
    });

export const situation = situationOf(5, incomingPod({ nodes: 2, pods: 3, volumes: 4 }), existingPods(5, 0, 8));

/** An important pod before nodes that are mostly full. */
export const crowd = situationOf(
  3,
  fc
    .record({
      pod: incomingPod({ nodes: 12, pods: 6, volumes: 12 }),
      cpu: fc.constantFrom("500m", "1", "1500m"),
      spreads: rarely(fc.constant(true), 3),
      tolerations: rarely(few(toleration, 2), 3),
      priority: fc.constantFrom(10, 50, 100, 100),
      never: rarely(fc.constant("Never"), 20),
      nominatedNodeName: rarely(fc.constantFrom("n0", "n1", "n2"), 5),
    })
    .map(({ pod, cpu, spreads, tolerations, priority, never, nominatedNodeName }) => ({
      ...pod,
      spec: {
        ...pod.spec,
        containers: [{ name: "c", image: "i", resources: { requests: { cpu } } }],
        tolerations: tolerations ?? [{ operator: "Exists" }],
        priority,
        ...(spreads ? {} : { topologySpreadConstraints: [] }),
        ...(never ? { preemptionPolicy: never } : {}),
      },
      status: present({ nominatedNodeName }),
    })) as unknown as fc.Arbitrary<Pod>,
  existingPods(3, 6, 14),
);
