import {
  always,
  atomic,
  boolean,
  defaultsTo,
  explicit,
  given,
  inside,
  int32,
  list,
  map,
  one,
  oneOf,
  packageOf,
  quantity,
  required,
  string,
  time,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";
import { VolumeNodeAffinity } from "./affinity.ts";
import { ObjectReference, SecretReference } from "./reference.ts";
import {
  AWSElasticBlockStoreVolumeSource,
  AzureDiskVolumeSource,
  FCVolumeSource,
  FlockerVolumeSource,
  GCEPersistentDiskVolumeSource,
  HostPathVolumeSource,
  NFSVolumeSource,
  PhotonPersistentDiskVolumeSource,
  PortworxVolumeSource,
  QuobyteVolumeSource,
  VsphereVirtualDiskVolumeSource,
} from "./volume.ts";

const { kind, message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const AzureFilePersistentVolumeSource = message("AzureFilePersistentVolumeSource", {
  secretName: required(string(1)),
  shareName: required(string(2)),
  readOnly: boolean(3),
  secretNamespace: string(4, explicit),
});
export interface AzureFilePersistentVolumeSource extends Infer<typeof AzureFilePersistentVolumeSource> {}

export const CSIPersistentVolumeSource = message("CSIPersistentVolumeSource", {
  driver: required(string(1)),
  volumeHandle: required(string(2)),
  readOnly: boolean(3),
  fsType: string(4),
  volumeAttributes: map(5, string),
  controllerPublishSecretRef: one<SecretReference>(6, SecretReference),
  nodeStageSecretRef: one<SecretReference>(7, SecretReference),
  nodePublishSecretRef: one<SecretReference>(8, SecretReference),
  controllerExpandSecretRef: one<SecretReference>(9, SecretReference),
  nodeExpandSecretRef: one<SecretReference>(10, SecretReference),
});
export interface CSIPersistentVolumeSource extends Infer<typeof CSIPersistentVolumeSource> {}

export const CephFSPersistentVolumeSource = message("CephFSPersistentVolumeSource", {
  monitors: required(list(1, string, atomic)),
  path: string(2),
  user: string(3),
  secretFile: string(4),
  secretRef: one<SecretReference>(5, SecretReference),
  readOnly: boolean(6),
});
export interface CephFSPersistentVolumeSource extends Infer<typeof CephFSPersistentVolumeSource> {}

export const CinderPersistentVolumeSource = message("CinderPersistentVolumeSource", {
  volumeID: required(string(1)),
  fsType: string(2),
  readOnly: boolean(3),
  secretRef: one<SecretReference>(4, SecretReference),
});
export interface CinderPersistentVolumeSource extends Infer<typeof CinderPersistentVolumeSource> {}

export const FlexPersistentVolumeSource = message("FlexPersistentVolumeSource", {
  driver: required(string(1)),
  fsType: string(2),
  secretRef: one<SecretReference>(3, SecretReference),
  readOnly: boolean(4),
  options: map(5, string),
});
export interface FlexPersistentVolumeSource extends Infer<typeof FlexPersistentVolumeSource> {}

export const GlusterfsPersistentVolumeSource = message("GlusterfsPersistentVolumeSource", {
  endpoints: required(string(1)),
  path: required(string(2)),
  readOnly: boolean(3),
  endpointsNamespace: string(4, explicit),
});
export interface GlusterfsPersistentVolumeSource extends Infer<typeof GlusterfsPersistentVolumeSource> {}

export const ISCSIPersistentVolumeSource = message("ISCSIPersistentVolumeSource", {
  targetPortal: required(string(1)),
  iqn: required(string(2)),
  lun: required(int32(3)),
  iscsiInterface: string(4, defaultsTo("default")),
  fsType: string(5),
  readOnly: boolean(6),
  portals: list(7, string, atomic),
  chapAuthDiscovery: boolean(8),
  chapAuthSession: boolean(11),
  secretRef: one<SecretReference>(10, SecretReference),
  initiatorName: string(12, explicit),
});
export interface ISCSIPersistentVolumeSource extends Infer<typeof ISCSIPersistentVolumeSource> {}

export const LocalVolumeSource = message("LocalVolumeSource", {
  path: required(string(1)),
  fsType: string(2, explicit),
});
export interface LocalVolumeSource extends Infer<typeof LocalVolumeSource> {}

export const RBDPersistentVolumeSource = message("RBDPersistentVolumeSource", {
  monitors: required(list(1, string, atomic)),
  image: required(string(2)),
  fsType: string(3),
  pool: string(4, defaultsTo("rbd")),
  user: string(5, defaultsTo("admin")),
  keyring: string(6, defaultsTo("/etc/ceph/keyring")),
  secretRef: one<SecretReference>(7, SecretReference),
  readOnly: boolean(8),
});
export interface RBDPersistentVolumeSource extends Infer<typeof RBDPersistentVolumeSource> {}

export const ScaleIOPersistentVolumeSource = message("ScaleIOPersistentVolumeSource", {
  gateway: required(string(1)),
  system: required(string(2)),
  secretRef: required(one<SecretReference>(3, SecretReference)),
  sslEnabled: boolean(4),
  protectionDomain: string(5),
  storagePool: string(6),
  storageMode: string(7, defaultsTo("ThinProvisioned")),
  volumeName: string(8),
  fsType: string(9, defaultsTo("xfs")),
  readOnly: boolean(10),
});
export interface ScaleIOPersistentVolumeSource extends Infer<typeof ScaleIOPersistentVolumeSource> {}

export const StorageOSPersistentVolumeSource = message("StorageOSPersistentVolumeSource", {
  volumeName: string(1),
  volumeNamespace: string(2),
  fsType: string(3),
  readOnly: boolean(4),
  secretRef: one<ObjectReference>(5, ObjectReference),
});
export interface StorageOSPersistentVolumeSource extends Infer<typeof StorageOSPersistentVolumeSource> {}

export const PersistentVolumeSpec = message("PersistentVolumeSpec", {
  capacity: map(1, quantity),
  gcePersistentDisk: one<GCEPersistentDiskVolumeSource>(1, GCEPersistentDiskVolumeSource, inside(2)),
  awsElasticBlockStore: one<AWSElasticBlockStoreVolumeSource>(2, AWSElasticBlockStoreVolumeSource, inside(2)),
  hostPath: one<HostPathVolumeSource>(3, HostPathVolumeSource, inside(2)),
  glusterfs: one<GlusterfsPersistentVolumeSource>(4, GlusterfsPersistentVolumeSource, inside(2)),
  nfs: one<NFSVolumeSource>(5, NFSVolumeSource, inside(2)),
  rbd: one<RBDPersistentVolumeSource>(6, RBDPersistentVolumeSource, inside(2)),
  iscsi: one<ISCSIPersistentVolumeSource>(7, ISCSIPersistentVolumeSource, inside(2)),
  cinder: one<CinderPersistentVolumeSource>(8, CinderPersistentVolumeSource, inside(2)),
  cephfs: one<CephFSPersistentVolumeSource>(9, CephFSPersistentVolumeSource, inside(2)),
  fc: one<FCVolumeSource>(10, FCVolumeSource, inside(2)),
  flocker: one<FlockerVolumeSource>(11, FlockerVolumeSource, inside(2)),
  flexVolume: one<FlexPersistentVolumeSource>(12, FlexPersistentVolumeSource, inside(2)),
  azureFile: one<AzureFilePersistentVolumeSource>(13, AzureFilePersistentVolumeSource, inside(2)),
  vsphereVolume: one<VsphereVirtualDiskVolumeSource>(14, VsphereVirtualDiskVolumeSource, inside(2)),
  quobyte: one<QuobyteVolumeSource>(15, QuobyteVolumeSource, inside(2)),
  azureDisk: one<AzureDiskVolumeSource>(16, AzureDiskVolumeSource, inside(2)),
  photonPersistentDisk: one<PhotonPersistentDiskVolumeSource>(17, PhotonPersistentDiskVolumeSource, inside(2)),
  portworxVolume: one<PortworxVolumeSource>(18, PortworxVolumeSource, inside(2)),
  scaleIO: one<ScaleIOPersistentVolumeSource>(19, ScaleIOPersistentVolumeSource, inside(2)),
  local: one<LocalVolumeSource>(20, LocalVolumeSource, inside(2)),
  storageos: one<StorageOSPersistentVolumeSource>(21, StorageOSPersistentVolumeSource, inside(2)),
  csi: one<CSIPersistentVolumeSource>(22, CSIPersistentVolumeSource, inside(2)),
  accessModes: list(3, string, atomic),
  claimRef: one<ObjectReference>(4, ObjectReference),
  persistentVolumeReclaimPolicy: oneOf(5, ["Retain", "Delete", "Recycle"]),
  storageClassName: string(6),
  mountOptions: list(7, string, atomic),
  volumeMode: string(8, explicit),
  nodeAffinity: one<VolumeNodeAffinity>(9, VolumeNodeAffinity),
  volumeAttributesClassName: string(10, explicit),
});
export interface PersistentVolumeSpec extends Infer<typeof PersistentVolumeSpec> {}

export const PersistentVolumeStatus = message("PersistentVolumeStatus", {
  phase: oneOf(1, ["Pending", "Available", "Bound", "Released", "Failed"]),
  message: string(2),
  reason: string(3),
  lastPhaseTransitionTime: time(4),
});
export interface PersistentVolumeStatus extends Infer<typeof PersistentVolumeStatus> {}

export const PersistentVolume = kind("PersistentVolume", "Storage of the cluster that outlives the pods that use it.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: given(one<PersistentVolumeSpec>(2, PersistentVolumeSpec, always)),
  status: one<PersistentVolumeStatus>(3, PersistentVolumeStatus, always),
});
export interface PersistentVolume extends Infer<typeof PersistentVolume> {}

export const PersistentVolumeList = listOf<PersistentVolume>(PersistentVolume);
export interface PersistentVolumeList extends Infer<typeof PersistentVolumeList> {}
