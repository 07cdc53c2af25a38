// The Kubernetes API server: an etcd client that speaks HTTP.
export type { ApiServer, ApiServerOptions } from "./options.ts";
export { startApiServer } from "./server.ts";
export { MemoryStore } from "./storage/memory-store.ts";
export type { KubeletOptions } from "./subresources/log.ts";
export { kubeletSocketAnnotation } from "./subresources/log.ts";
