import { serverStream, service, unary } from "../method.ts";
import {
  AttachRequest,
  ContainerEventResponse,
  ContainerId,
  ContainerStatusResponse,
  CreateContainerRequest,
  ExecRequest,
  ExecSyncRequest,
  ExecSyncResponse,
  ListContainersRequest,
  ListContainersResponse,
  PortForwardRequest,
  StopContainerRequest,
  StreamUrl,
  UpdateContainerResourcesRequest,
} from "./container.ts";
import {
  ImageFsInfoResponse,
  ImageRequest,
  ImageStatusResponse,
  ListImagesRequest,
  ListImagesResponse,
  PullImageRequest,
  PullImageResponse,
} from "./image.ts";
import {
  Empty,
  RuntimeConfigResponse,
  StatusRequest,
  StatusResponse,
  UpdateRuntimeConfigRequest,
  VersionRequest,
  VersionResponse,
} from "./runtime.ts";
import {
  ListPodSandboxRequest,
  ListPodSandboxResponse,
  PodSandboxId,
  PodSandboxStatusResponse,
  RunPodSandboxRequest,
} from "./sandbox.ts";
import {
  ContainerStatsResponse,
  ListContainerStatsRequest,
  ListContainerStatsResponse,
  ListPodSandboxStatsRequest,
  ListPodSandboxStatsResponse,
  PodSandboxStatsResponse,
} from "./stats.ts";

export const RuntimeService = service("runtime.v1.RuntimeService", {
  version: unary("Version", VersionRequest, VersionResponse),
  status: unary("Status", StatusRequest, StatusResponse),
  runtimeConfig: unary("RuntimeConfig", Empty, RuntimeConfigResponse),
  updateRuntimeConfig: unary("UpdateRuntimeConfig", UpdateRuntimeConfigRequest, Empty),
  runPodSandbox: unary("RunPodSandbox", RunPodSandboxRequest, PodSandboxId),
  stopPodSandbox: unary("StopPodSandbox", PodSandboxId, Empty),
  removePodSandbox: unary("RemovePodSandbox", PodSandboxId, Empty),
  podSandboxStatus: unary("PodSandboxStatus", PodSandboxId, PodSandboxStatusResponse),
  listPodSandbox: unary("ListPodSandbox", ListPodSandboxRequest, ListPodSandboxResponse),
  createContainer: unary("CreateContainer", CreateContainerRequest, ContainerId),
  startContainer: unary("StartContainer", ContainerId, Empty),
  stopContainer: unary("StopContainer", StopContainerRequest, Empty),
  removeContainer: unary("RemoveContainer", ContainerId, Empty),
  listContainers: unary("ListContainers", ListContainersRequest, ListContainersResponse),
  containerStatus: unary("ContainerStatus", ContainerId, ContainerStatusResponse),
  updateContainerResources: unary("UpdateContainerResources", UpdateContainerResourcesRequest, Empty),
  reopenContainerLog: unary("ReopenContainerLog", ContainerId, Empty),
  execSync: unary("ExecSync", ExecSyncRequest, ExecSyncResponse),
  exec: unary("Exec", ExecRequest, StreamUrl),
  attach: unary("Attach", AttachRequest, StreamUrl),
  portForward: unary("PortForward", PortForwardRequest, StreamUrl),
  containerStats: unary("ContainerStats", ContainerId, ContainerStatsResponse),
  listContainerStats: unary("ListContainerStats", ListContainerStatsRequest, ListContainerStatsResponse),
  podSandboxStats: unary("PodSandboxStats", PodSandboxId, PodSandboxStatsResponse),
  listPodSandboxStats: unary("ListPodSandboxStats", ListPodSandboxStatsRequest, ListPodSandboxStatsResponse),
  getContainerEvents: serverStream("GetContainerEvents", Empty, ContainerEventResponse),
});

export const ImageService = service("runtime.v1.ImageService", {
  listImages: unary("ListImages", ListImagesRequest, ListImagesResponse),
  imageStatus: unary("ImageStatus", ImageRequest, ImageStatusResponse),
  pullImage: unary("PullImage", PullImageRequest, PullImageResponse),
  removeImage: unary("RemoveImage", ImageRequest, Empty),
  imageFsInfo: unary("ImageFsInfo", Empty, ImageFsInfoResponse),
});
