export { destroyNode, stopNode } from "./destroy-node.ts";
export { importImages } from "./images/archive.ts";
export { buildBusyboxImage, buildPauseImage } from "./images/busybox-image.ts";
export { ImageStore, imageStoreOf } from "./images/image-store.ts";
export { readRegistryConfig } from "./images/registry/registry-config.ts";
export {
  type BuiltImage,
  buildImage,
  entriesOf,
  type ImageSource,
  type LayerEntry,
  writeLayout,
} from "./images/writer.ts";
export {
  createClusterNetwork,
  createNodeNetwork,
  destroyClusterNetwork,
  destroyNodeNetwork,
  type NodeNetworkOptions,
  underlayCidr,
} from "./network/cluster-network.ts";
export { nodeNamespace, underlayNamespace, underlayPort } from "./network/namespace.ts";
export { type Machine, startMachine, whyNoMachine } from "./rootless/machine.ts";
export { removeAsRoot } from "./rootless/user-namespace.ts";
export {
  type ContainerdProcess,
  containerdProcess,
  destroyContainerd,
  type RunningContainerd,
  requireContainerd,
  type StartContainerdOptions,
  startContainerd,
  whyNoContainerd,
} from "./runtime/containerd/containerd.ts";
export {
  importIntoContainerd,
  listContainerdImages,
  nodeContainerdSocket,
  removeFromContainerd,
} from "./runtime/containerd/containerd-images.ts";
export * as cri from "./runtime/cri.ts";
export { whyNoNamespaces } from "./runtime/embedded/namespaces-driver.ts";
export type { DriverChoice } from "./runtime/embedded/open.ts";
export type { Listen } from "./server/server.ts";
export { type StartCriOptions, startCri } from "./start-cri.ts";
export { type RunningKubelet, type StartKubeletOptions, startKubelet } from "./start-kubelet.ts";
