import fc from "fast-check";
import type { Affinity, Container, Pod, Toleration, Volume } from "../../../api/mod.ts";
import { affinity, type OneIn } from "./affinity.testing.ts";
import { container, initContainer } from "./containers.testing.ts";
import { podLabels, present, rarely, some, zone } from "./parts.testing.ts";
import { constraints } from "./spreading.testing.ts";
import { volumes } from "./storage.testing.ts";

export const toleration: fc.Arbitrary<Toleration> = fc
  .record({
    key: fc.constantFrom(undefined, "dedicated", "spot", "node.kubernetes.io/unschedulable"),
    operator: fc.constantFrom(undefined, "Exists" as const, "Equal" as const),
    value: fc.constantFrom(undefined, "x", "y"),
    effect: fc.constantFrom(undefined, "NoSchedule" as const, "PreferNoSchedule" as const, "NoExecute" as const),
  })
  // As validation has it: without a key it must be Exists, and Exists has no value.
  .map((one) => (one.key === undefined ? { ...one, operator: "Exists" as const } : one))
  .map((one) => present(one.operator === "Exists" ? { ...one, value: undefined } : one));

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
export const existingPods = (nodeCount: number, minLength: number, maxLength: number): fc.Arbitrary<Pod[]> =>
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

const owner = fc.constantFrom(
  { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web" },
  { apiVersion: "apps/v1", kind: "StatefulSet", name: "db" },
  { apiVersion: "v1", kind: "ReplicationController", name: "rc" },
  { apiVersion: "batch/v1", kind: "Job", name: "job" },
);

export const incomingPod = (oneIn: OneIn): fc.Arbitrary<Pod> =>
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
