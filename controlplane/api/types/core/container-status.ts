import {
  always,
  atomic,
  boolean,
  explicit,
  int32,
  int64,
  keyed,
  list,
  map,
  mergeBy,
  one,
  packageOf,
  quantity,
  required,
  string,
  time,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { ResourceRequirements } from "./resource.ts";

const { message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const ContainerStateRunning = message("ContainerStateRunning", {
  startedAt: time(1),
});
export interface ContainerStateRunning extends Infer<typeof ContainerStateRunning> {}

export const ContainerStateTerminated = message("ContainerStateTerminated", {
  exitCode: required(int32(1)),
  signal: int32(2),
  reason: string(3),
  message: string(4),
  startedAt: time(5),
  finishedAt: time(6),
  containerID: string(7),
});
export interface ContainerStateTerminated extends Infer<typeof ContainerStateTerminated> {}

export const ContainerStateWaiting = message("ContainerStateWaiting", {
  reason: string(1),
  message: string(2),
});
export interface ContainerStateWaiting extends Infer<typeof ContainerStateWaiting> {}

export const ContainerState = message("ContainerState", {
  waiting: one<ContainerStateWaiting>(1, ContainerStateWaiting),
  running: one<ContainerStateRunning>(2, ContainerStateRunning),
  terminated: one<ContainerStateTerminated>(3, ContainerStateTerminated),
});
export interface ContainerState extends Infer<typeof ContainerState> {}

export const LinuxContainerUser = message("LinuxContainerUser", {
  uid: required(int64(1)),
  gid: required(int64(2)),
  supplementalGroups: list(3, int64, atomic),
});
export interface LinuxContainerUser extends Infer<typeof LinuxContainerUser> {}

export const ContainerUser = message("ContainerUser", {
  linux: one<LinuxContainerUser>(1, LinuxContainerUser),
});
export interface ContainerUser extends Infer<typeof ContainerUser> {}

export const ResourceHealth = message("ResourceHealth", {
  resourceID: required(string(1)),
  health: string(2),
  message: string(6, explicit),
});
export interface ResourceHealth extends Infer<typeof ResourceHealth> {}

export const ResourceStatus = message("ResourceStatus", {
  name: required(string(1)),
  resources: list<ResourceHealth>(2, ResourceHealth, keyed("resourceID")),
});
export interface ResourceStatus extends Infer<typeof ResourceStatus> {}

export const ImageVolumeStatus = message("ImageVolumeStatus", {
  imageRef: required(string(1)),
});
export interface ImageVolumeStatus extends Infer<typeof ImageVolumeStatus> {}

export const VolumeStatus = message("VolumeStatus", {
  image: one<ImageVolumeStatus>(1, ImageVolumeStatus),
});
export interface VolumeStatus extends Infer<typeof VolumeStatus> {}

export const VolumeMountStatus = message("VolumeMountStatus", {
  name: required(string(1)),
  mountPath: required(string(2)),
  readOnly: boolean(3),
  recursiveReadOnly: string(4, explicit),
  volumeStatus: one<VolumeStatus>(5, VolumeStatus),
});
export interface VolumeMountStatus extends Infer<typeof VolumeMountStatus> {}

export const ContainerStatus = message("ContainerStatus", {
  name: required(string(1)),
  state: one<ContainerState>(2, ContainerState, always),
  lastState: one<ContainerState>(3, ContainerState, always),
  ready: required(boolean(4)),
  restartCount: required(int32(5)),
  image: required(string(6)),
  imageID: required(string(7)),
  containerID: string(8),
  started: boolean(9, explicit),
  allocatedResources: map(10, quantity),
  resources: one<ResourceRequirements>(11, ResourceRequirements),
  volumeMounts: list<VolumeMountStatus>(12, VolumeMountStatus, keyed("mountPath"), mergeBy("mountPath")),
  user: one<ContainerUser>(13, ContainerUser),
  allocatedResourcesStatus: list<ResourceStatus>(14, ResourceStatus, keyed("name"), mergeBy("name")),
  stopSignal: string(15, explicit),
});
export interface ContainerStatus extends Infer<typeof ContainerStatus> {}
