// CRI, runtime.v1: what kubelets and container engines say to each other. The parts that are used here.
export * from "./common.ts";
export * from "./container.ts";
export * from "./image.ts";
export * from "./runtime.ts";
export * from "./sandbox.ts";
export * from "./services.ts";
export * from "./stats.ts";
