import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
} from "../../api/mod.ts";

/** Something that happened in the cluster and may make a waiting pod schedulable. `old` is missing where the object is new. */
export type ClusterEvent =
  | { readonly kind: "NodeAdd"; readonly node: Node }
  | { readonly kind: "NodeUpdate"; readonly old: Node; readonly node: Node }
  | { readonly kind: "NodeDelete"; readonly node: Node }
  /** A pod was given a node. */
  | { readonly kind: "AssignedPodAdd"; readonly pod: Pod }
  | { readonly kind: "AssignedPodUpdate"; readonly old: Pod; readonly pod: Pod }
  /** A pod left its node, or the node that was promised to it. */
  | { readonly kind: "AssignedPodDelete"; readonly pod: Pod; readonly nodeName: string }
  /** The waiting pod itself was changed. */
  | { readonly kind: "PodUpdate"; readonly old: Pod; readonly pod: Pod }
  | { readonly kind: "ClaimChange"; readonly old?: PersistentVolumeClaim; readonly claim: PersistentVolumeClaim }
  | { readonly kind: "VolumeChange"; readonly old?: PersistentVolume; readonly volume: PersistentVolume }
  | { readonly kind: "StorageClassChange"; readonly old?: StorageClass; readonly storageClass: StorageClass }
  | { readonly kind: "CSINodeChange"; readonly old?: CSINode; readonly csiNode: CSINode }
  | { readonly kind: "CSIDriverChange"; readonly old?: CSIDriver; readonly driver: CSIDriver }
  | { readonly kind: "CapacityChange"; readonly old?: CSIStorageCapacity; readonly capacity: CSIStorageCapacity }
  | { readonly kind: "NamespaceChange"; readonly old?: Namespace; readonly namespace: Namespace };

export type ClusterEventKind = ClusterEvent["kind"];
