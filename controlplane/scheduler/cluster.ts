import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  Labels,
  PersistentVolume,
  PersistentVolumeClaim,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  Service,
  StatefulSet,
  StorageClass,
} from "../api/mod.ts";
import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";

/** Objects besides nodes and pods that plugins look up. */
export interface Objects {
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  /** Volumes of one storage class; "" for those without. */
  volumesOfClass(storageClass: string): Iterable<PersistentVolume>;
  storageClass(name: string): StorageClass | undefined;
  csiNode(name: string): CSINode | undefined;
  csiDriver(name: string): CSIDriver | undefined;
  capacities(): Iterable<CSIStorageCapacity>;
  /** Undefined: there is no such namespace. */
  namespaceLabels(name: string): Labels;
  services(namespace: string): Iterable<Service>;
  replicationController(namespace: string, name: string): ReplicationController | undefined;
  replicaSet(namespace: string, name: string): ReplicaSet | undefined;
  statefulSet(namespace: string, name: string): StatefulSet | undefined;
  budgets(): Iterable<PodDisruptionBudget>;

  /** From now on `claim` and `volume` answer with what is about to be written, until the server shows something newer. */
  assumeClaim(claim: PersistentVolumeClaim): void;
  assumeVolume(volume: PersistentVolume): void;
  forgetClaim(claim: PersistentVolumeClaim): void;
  forgetVolume(volume: PersistentVolume): void;
}

/** The cluster as plugins see it. It does not change during a scheduling cycle, because a cycle never waits. */
export interface Cluster extends ClusterFacts {
  /** Zone by zone in turns: neighbours in this list are in different zones where there are several. */
  readonly nodes: readonly NodeInfo[];
  node(name: string): NodeInfo | undefined;
  /** Those with a pod that wants or avoids others. */
  readonly nodesWithAffinity: ReadonlySet<NodeInfo>;
  /** Those with a pod that must not be near certain others. */
  readonly nodesWithRequiredAntiAffinity: ReadonlySet<NodeInfo>;
  /** Pods on known nodes that use a claim, named `namespace/name`. */
  claimUsers(claim: string): number;
  /** Where room was promised to whom: preemption is under way there. */
  readonly nominations: Nominations;
  readonly objects: Objects;
}

/** Pods that were promised room by preemption and are not there yet. */
export interface Nominations {
  onNode(node: string): readonly PodInfo[];
  /** By the pod's key. */
  nodeOf(key: string): string | undefined;
}

export const noNominations: Nominations = { onNode: () => [], nodeOf: () => undefined };

export interface ClusterFacts {
  readonly nodeCount: number;
  /** How many nodes hold the image. */
  nodesWithImage(name: string): number;
}
