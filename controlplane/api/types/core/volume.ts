import {
  always,
  atomic,
  boolean,
  defaultsTo,
  explicit,
  inside,
  int32,
  int64,
  list,
  map,
  one,
  packageOf,
  quantity,
  required,
  string,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { TemplateMeta } from "../meta/object-meta.ts";
import { LabelSelector } from "../meta/selector.ts";
import { PersistentVolumeClaimSpec } from "./persistent-volume-claim.ts";
import { LocalObjectReference, ObjectFieldSelector, ResourceFieldSelector } from "./reference.ts";

const { message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const AWSElasticBlockStoreVolumeSource = message("AWSElasticBlockStoreVolumeSource", {
  volumeID: required(string(1)),
  fsType: string(2),
  partition: int32(3),
  readOnly: boolean(4),
});
export interface AWSElasticBlockStoreVolumeSource extends Infer<typeof AWSElasticBlockStoreVolumeSource> {}

export const AzureDiskVolumeSource = message("AzureDiskVolumeSource", {
  diskName: required(string(1)),
  diskURI: required(string(2)),
  cachingMode: string(3, explicit, defaultsTo("ReadWrite")),
  fsType: string(4, explicit, defaultsTo("ext4")),
  readOnly: boolean(5, explicit),
  kind: string(6, explicit, defaultsTo("Shared")),
});
export interface AzureDiskVolumeSource extends Infer<typeof AzureDiskVolumeSource> {}

export const AzureFileVolumeSource = message("AzureFileVolumeSource", {
  secretName: required(string(1)),
  shareName: required(string(2)),
  readOnly: boolean(3),
});
export interface AzureFileVolumeSource extends Infer<typeof AzureFileVolumeSource> {}

export const CSIVolumeSource = message("CSIVolumeSource", {
  driver: required(string(1)),
  readOnly: boolean(2, explicit),
  fsType: string(3, explicit),
  volumeAttributes: map(4, string),
  nodePublishSecretRef: one<LocalObjectReference>(5, LocalObjectReference),
});
export interface CSIVolumeSource extends Infer<typeof CSIVolumeSource> {}

export const CephFSVolumeSource = message("CephFSVolumeSource", {
  monitors: required(list(1, string, atomic)),
  path: string(2),
  user: string(3),
  secretFile: string(4),
  secretRef: one<LocalObjectReference>(5, LocalObjectReference),
  readOnly: boolean(6),
});
export interface CephFSVolumeSource extends Infer<typeof CephFSVolumeSource> {}

export const CinderVolumeSource = message("CinderVolumeSource", {
  volumeID: required(string(1)),
  fsType: string(2),
  readOnly: boolean(3),
  secretRef: one<LocalObjectReference>(4, LocalObjectReference),
});
export interface CinderVolumeSource extends Infer<typeof CinderVolumeSource> {}

export const ClusterTrustBundleProjection = message("ClusterTrustBundleProjection", {
  name: string(1, explicit),
  signerName: string(2, explicit),
  labelSelector: one<LabelSelector>(3, LabelSelector),
  optional: boolean(5, explicit),
  path: required(string(4)),
});
export interface ClusterTrustBundleProjection extends Infer<typeof ClusterTrustBundleProjection> {}

export const KeyToPath = message("KeyToPath", {
  key: required(string(1)),
  path: required(string(2)),
  mode: int32(3, explicit),
});
export interface KeyToPath extends Infer<typeof KeyToPath> {}

export const ConfigMapProjection = message("ConfigMapProjection", {
  name: string(1, inside(1)),
  items: list<KeyToPath>(2, KeyToPath, atomic),
  optional: boolean(4, explicit),
});
export interface ConfigMapProjection extends Infer<typeof ConfigMapProjection> {}

export const ConfigMapVolumeSource = message("ConfigMapVolumeSource", {
  name: string(1, inside(1)),
  items: list<KeyToPath>(2, KeyToPath, atomic),
  defaultMode: int32(3, explicit),
  optional: boolean(4, explicit),
});
export interface ConfigMapVolumeSource extends Infer<typeof ConfigMapVolumeSource> {}

export const DownwardAPIVolumeFile = message("DownwardAPIVolumeFile", {
  path: required(string(1)),
  fieldRef: one<ObjectFieldSelector>(2, ObjectFieldSelector),
  resourceFieldRef: one<ResourceFieldSelector>(3, ResourceFieldSelector),
  mode: int32(4, explicit),
});
export interface DownwardAPIVolumeFile extends Infer<typeof DownwardAPIVolumeFile> {}

export const DownwardAPIProjection = message("DownwardAPIProjection", {
  items: list<DownwardAPIVolumeFile>(1, DownwardAPIVolumeFile, atomic),
});
export interface DownwardAPIProjection extends Infer<typeof DownwardAPIProjection> {}

export const DownwardAPIVolumeSource = message("DownwardAPIVolumeSource", {
  items: list<DownwardAPIVolumeFile>(1, DownwardAPIVolumeFile, atomic),
  defaultMode: int32(2, explicit),
});
export interface DownwardAPIVolumeSource extends Infer<typeof DownwardAPIVolumeSource> {}

export const EmptyDirVolumeSource = message("EmptyDirVolumeSource", {
  medium: string(1),
  sizeLimit: quantity(2),
});
export interface EmptyDirVolumeSource extends Infer<typeof EmptyDirVolumeSource> {}

export const PersistentVolumeClaimTemplate = message("PersistentVolumeClaimTemplate", {
  metadata: one<TemplateMeta>(1, TemplateMeta, always),
  spec: required(one<PersistentVolumeClaimSpec>(2, PersistentVolumeClaimSpec, always)),
});
export interface PersistentVolumeClaimTemplate extends Infer<typeof PersistentVolumeClaimTemplate> {}

export const EphemeralVolumeSource = message("EphemeralVolumeSource", {
  volumeClaimTemplate: one<PersistentVolumeClaimTemplate>(1, PersistentVolumeClaimTemplate),
});
export interface EphemeralVolumeSource extends Infer<typeof EphemeralVolumeSource> {}

export const FCVolumeSource = message("FCVolumeSource", {
  targetWWNs: list(1, string, atomic),
  lun: int32(2, explicit),
  fsType: string(3),
  readOnly: boolean(4),
  wwids: list(5, string, atomic),
});
export interface FCVolumeSource extends Infer<typeof FCVolumeSource> {}

export const FlexVolumeSource = message("FlexVolumeSource", {
  driver: required(string(1)),
  fsType: string(2),
  secretRef: one<LocalObjectReference>(3, LocalObjectReference),
  readOnly: boolean(4),
  options: map(5, string),
});
export interface FlexVolumeSource extends Infer<typeof FlexVolumeSource> {}

export const FlockerVolumeSource = message("FlockerVolumeSource", {
  datasetName: string(1),
  datasetUUID: string(2),
});
export interface FlockerVolumeSource extends Infer<typeof FlockerVolumeSource> {}

export const GCEPersistentDiskVolumeSource = message("GCEPersistentDiskVolumeSource", {
  pdName: required(string(1)),
  fsType: string(2),
  partition: int32(3),
  readOnly: boolean(4),
});
export interface GCEPersistentDiskVolumeSource extends Infer<typeof GCEPersistentDiskVolumeSource> {}

export const GitRepoVolumeSource = message("GitRepoVolumeSource", {
  repository: required(string(1)),
  revision: string(2),
  directory: string(3),
});
export interface GitRepoVolumeSource extends Infer<typeof GitRepoVolumeSource> {}

export const GlusterfsVolumeSource = message("GlusterfsVolumeSource", {
  endpoints: required(string(1)),
  path: required(string(2)),
  readOnly: boolean(3),
});
export interface GlusterfsVolumeSource extends Infer<typeof GlusterfsVolumeSource> {}

export const HostPathVolumeSource = message("HostPathVolumeSource", {
  path: required(string(1)),
  type: string(2, explicit),
});
export interface HostPathVolumeSource extends Infer<typeof HostPathVolumeSource> {}

export const ISCSIVolumeSource = message("ISCSIVolumeSource", {
  targetPortal: required(string(1)),
  iqn: required(string(2)),
  lun: required(int32(3)),
  iscsiInterface: string(4, defaultsTo("default")),
  fsType: string(5),
  readOnly: boolean(6),
  portals: list(7, string, atomic),
  chapAuthDiscovery: boolean(8),
  chapAuthSession: boolean(11),
  secretRef: one<LocalObjectReference>(10, LocalObjectReference),
  initiatorName: string(12, explicit),
});
export interface ISCSIVolumeSource extends Infer<typeof ISCSIVolumeSource> {}

export const ImageVolumeSource = message("ImageVolumeSource", {
  reference: string(1),
  pullPolicy: string(2),
});
export interface ImageVolumeSource extends Infer<typeof ImageVolumeSource> {}

export const NFSVolumeSource = message("NFSVolumeSource", {
  server: required(string(1)),
  path: required(string(2)),
  readOnly: boolean(3),
});
export interface NFSVolumeSource extends Infer<typeof NFSVolumeSource> {}

export const PersistentVolumeClaimVolumeSource = message("PersistentVolumeClaimVolumeSource", {
  claimName: required(string(1)),
  readOnly: boolean(2),
});
export interface PersistentVolumeClaimVolumeSource extends Infer<typeof PersistentVolumeClaimVolumeSource> {}

export const PhotonPersistentDiskVolumeSource = message("PhotonPersistentDiskVolumeSource", {
  pdID: required(string(1)),
  fsType: string(2),
});
export interface PhotonPersistentDiskVolumeSource extends Infer<typeof PhotonPersistentDiskVolumeSource> {}

export const PodCertificateProjection = message("PodCertificateProjection", {
  signerName: required(string(1)),
  keyType: required(string(2)),
  maxExpirationSeconds: int32(3, explicit),
  credentialBundlePath: string(4),
  keyPath: string(5),
  certificateChainPath: string(6),
  userAnnotations: map(7, string),
});
export interface PodCertificateProjection extends Infer<typeof PodCertificateProjection> {}

export const PortworxVolumeSource = message("PortworxVolumeSource", {
  volumeID: required(string(1)),
  fsType: string(2),
  readOnly: boolean(3),
});
export interface PortworxVolumeSource extends Infer<typeof PortworxVolumeSource> {}

export const SecretProjection = message("SecretProjection", {
  name: string(1, inside(1)),
  items: list<KeyToPath>(2, KeyToPath, atomic),
  optional: boolean(4, explicit),
});
export interface SecretProjection extends Infer<typeof SecretProjection> {}

export const ServiceAccountTokenProjection = message("ServiceAccountTokenProjection", {
  audience: string(1),
  expirationSeconds: int64(2, explicit),
  path: required(string(3)),
});
export interface ServiceAccountTokenProjection extends Infer<typeof ServiceAccountTokenProjection> {}

export const VolumeProjection = message("VolumeProjection", {
  secret: one<SecretProjection>(1, SecretProjection),
  downwardAPI: one<DownwardAPIProjection>(2, DownwardAPIProjection),
  configMap: one<ConfigMapProjection>(3, ConfigMapProjection),
  serviceAccountToken: one<ServiceAccountTokenProjection>(4, ServiceAccountTokenProjection),
  clusterTrustBundle: one<ClusterTrustBundleProjection>(5, ClusterTrustBundleProjection),
  podCertificate: one<PodCertificateProjection>(6, PodCertificateProjection),
});
export interface VolumeProjection extends Infer<typeof VolumeProjection> {}

export const ProjectedVolumeSource = message("ProjectedVolumeSource", {
  sources: list<VolumeProjection>(1, VolumeProjection, atomic),
  defaultMode: int32(2, explicit),
});
export interface ProjectedVolumeSource extends Infer<typeof ProjectedVolumeSource> {}

export const QuobyteVolumeSource = message("QuobyteVolumeSource", {
  registry: required(string(1)),
  volume: required(string(2)),
  readOnly: boolean(3),
  user: string(4),
  group: string(5),
  tenant: string(6),
});
export interface QuobyteVolumeSource extends Infer<typeof QuobyteVolumeSource> {}

export const RBDVolumeSource = message("RBDVolumeSource", {
  monitors: required(list(1, string, atomic)),
  image: required(string(2)),
  fsType: string(3),
  pool: string(4, defaultsTo("rbd")),
  user: string(5, defaultsTo("admin")),
  keyring: string(6, defaultsTo("/etc/ceph/keyring")),
  secretRef: one<LocalObjectReference>(7, LocalObjectReference),
  readOnly: boolean(8),
});
export interface RBDVolumeSource extends Infer<typeof RBDVolumeSource> {}

export const ScaleIOVolumeSource = message("ScaleIOVolumeSource", {
  gateway: required(string(1)),
  system: required(string(2)),
  secretRef: required(one<LocalObjectReference>(3, LocalObjectReference)),
  sslEnabled: boolean(4),
  protectionDomain: string(5),
  storagePool: string(6),
  storageMode: string(7, defaultsTo("ThinProvisioned")),
  volumeName: string(8),
  fsType: string(9, defaultsTo("xfs")),
  readOnly: boolean(10),
});
export interface ScaleIOVolumeSource extends Infer<typeof ScaleIOVolumeSource> {}

export const SecretVolumeSource = message("SecretVolumeSource", {
  secretName: string(1),
  items: list<KeyToPath>(2, KeyToPath, atomic),
  defaultMode: int32(3, explicit),
  optional: boolean(4, explicit),
});
export interface SecretVolumeSource extends Infer<typeof SecretVolumeSource> {}

export const StorageOSVolumeSource = message("StorageOSVolumeSource", {
  volumeName: string(1),
  volumeNamespace: string(2),
  fsType: string(3),
  readOnly: boolean(4),
  secretRef: one<LocalObjectReference>(5, LocalObjectReference),
});
export interface StorageOSVolumeSource extends Infer<typeof StorageOSVolumeSource> {}

export const VsphereVirtualDiskVolumeSource = message("VsphereVirtualDiskVolumeSource", {
  volumePath: required(string(1)),
  fsType: string(2),
  storagePolicyName: string(3),
  storagePolicyID: string(4),
});
export interface VsphereVirtualDiskVolumeSource extends Infer<typeof VsphereVirtualDiskVolumeSource> {}

export const Volume = message(
  "Volume",
  {
    name: required(string(1)),
    hostPath: one<HostPathVolumeSource>(1, HostPathVolumeSource, inside(2)),
    emptyDir: one<EmptyDirVolumeSource>(2, EmptyDirVolumeSource, inside(2)),
    gcePersistentDisk: one<GCEPersistentDiskVolumeSource>(3, GCEPersistentDiskVolumeSource, inside(2)),
    awsElasticBlockStore: one<AWSElasticBlockStoreVolumeSource>(4, AWSElasticBlockStoreVolumeSource, inside(2)),
    gitRepo: one<GitRepoVolumeSource>(5, GitRepoVolumeSource, inside(2)),
    secret: one<SecretVolumeSource>(6, SecretVolumeSource, inside(2)),
    nfs: one<NFSVolumeSource>(7, NFSVolumeSource, inside(2)),
    iscsi: one<ISCSIVolumeSource>(8, ISCSIVolumeSource, inside(2)),
    glusterfs: one<GlusterfsVolumeSource>(9, GlusterfsVolumeSource, inside(2)),
    persistentVolumeClaim: one<PersistentVolumeClaimVolumeSource>(10, PersistentVolumeClaimVolumeSource, inside(2)),
    rbd: one<RBDVolumeSource>(11, RBDVolumeSource, inside(2)),
    flexVolume: one<FlexVolumeSource>(12, FlexVolumeSource, inside(2)),
    cinder: one<CinderVolumeSource>(13, CinderVolumeSource, inside(2)),
    cephfs: one<CephFSVolumeSource>(14, CephFSVolumeSource, inside(2)),
    flocker: one<FlockerVolumeSource>(15, FlockerVolumeSource, inside(2)),
    downwardAPI: one<DownwardAPIVolumeSource>(16, DownwardAPIVolumeSource, inside(2)),
    fc: one<FCVolumeSource>(17, FCVolumeSource, inside(2)),
    azureFile: one<AzureFileVolumeSource>(18, AzureFileVolumeSource, inside(2)),
    configMap: one<ConfigMapVolumeSource>(19, ConfigMapVolumeSource, inside(2)),
    vsphereVolume: one<VsphereVirtualDiskVolumeSource>(20, VsphereVirtualDiskVolumeSource, inside(2)),
    quobyte: one<QuobyteVolumeSource>(21, QuobyteVolumeSource, inside(2)),
    azureDisk: one<AzureDiskVolumeSource>(22, AzureDiskVolumeSource, inside(2)),
    photonPersistentDisk: one<PhotonPersistentDiskVolumeSource>(23, PhotonPersistentDiskVolumeSource, inside(2)),
    projected: one<ProjectedVolumeSource>(26, ProjectedVolumeSource, inside(2)),
    portworxVolume: one<PortworxVolumeSource>(24, PortworxVolumeSource, inside(2)),
    scaleIO: one<ScaleIOVolumeSource>(25, ScaleIOVolumeSource, inside(2)),
    storageos: one<StorageOSVolumeSource>(27, StorageOSVolumeSource, inside(2)),
    csi: one<CSIVolumeSource>(28, CSIVolumeSource, inside(2)),
    ephemeral: one<EphemeralVolumeSource>(29, EphemeralVolumeSource, inside(2)),
    image: one<ImageVolumeSource>(30, ImageVolumeSource, inside(2)),
  },
  { doc: "Storage that containers of a pod can mount." },
);
export interface Volume extends Infer<typeof Volume> {}
