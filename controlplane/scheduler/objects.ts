import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  Service,
  StatefulSet,
  StorageClass,
} from "../api/mod.ts";
import type { Objects } from "./cluster.ts";

/** A cluster as the API server lists it: plain objects. What is left out is taken to be empty. */
export interface ClusterObjects {
  readonly nodes: readonly Node[];
  readonly pods?: readonly Pod[];
  readonly namespaces?: readonly Namespace[];
  readonly services?: readonly Service[];
  readonly replicationControllers?: readonly ReplicationController[];
  readonly replicaSets?: readonly ReplicaSet[];
  readonly statefulSets?: readonly StatefulSet[];
  readonly persistentVolumeClaims?: readonly PersistentVolumeClaim[];
  readonly persistentVolumes?: readonly PersistentVolume[];
  readonly storageClasses?: readonly StorageClass[];
  readonly csiNodes?: readonly CSINode[];
  readonly csiDrivers?: readonly CSIDriver[];
  readonly csiStorageCapacities?: readonly CSIStorageCapacity[];
  readonly podDisruptionBudgets?: readonly PodDisruptionBudget[];
}

interface Named {
  readonly metadata: { readonly namespace?: string; readonly name?: string };
}

function find<T extends Named>(objects: readonly T[] | undefined, namespace: string | undefined, name: string) {
  return objects?.find(({ metadata }) => metadata.name === name && (namespace ?? "") === (metadata.namespace ?? ""));
}

/** Looks things up in lists that do not change. Nothing can be assumed here: it is for looking at. */
export function listedObjects(lists: ClusterObjects): Objects {
  const isFixed = () => {
    throw new Error("nothing is assumed about listed objects");
  };
  return {
    claim: (namespace, name) => find(lists.persistentVolumeClaims, namespace, name),
    volume: (name) => find(lists.persistentVolumes, undefined, name),
    volumesOfClass: (name) =>
      (lists.persistentVolumes ?? []).filter(({ spec }) => (spec?.storageClassName ?? "") === name),
    storageClass: (name) => find(lists.storageClasses, undefined, name),
    csiNode: (name) => find(lists.csiNodes, undefined, name),
    csiDriver: (name) => find(lists.csiDrivers, undefined, name),
    capacities: () => lists.csiStorageCapacities ?? [],
    namespaceLabels: (name) => find(lists.namespaces, undefined, name)?.metadata.labels,
    services: (namespace) => (lists.services ?? []).filter(({ metadata }) => metadata.namespace === namespace),
    replicationController: (namespace, name) => find(lists.replicationControllers, namespace, name),
    replicaSet: (namespace, name) => find(lists.replicaSets, namespace, name),
    statefulSet: (namespace, name) => find(lists.statefulSets, namespace, name),
    budgets: () => lists.podDisruptionBudgets ?? [],
    assumeClaim: isFixed,
    assumeVolume: isFixed,
    forgetClaim: isFixed,
    forgetVolume: isFixed,
  };
}
