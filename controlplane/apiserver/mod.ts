// The Kubernetes API server: an etcd client that speaks HTTP.
export type { ApiServer, ApiServerOptions } from "./options.ts";
export { startApiServer } from "./server.ts";
export { MemoryStore } from "./storage/memory-store.ts";
export { type KubeletOptions, kubeletSocketAnnotation } from "./subresources/ask-kubelet.ts";
