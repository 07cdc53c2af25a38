// The Container Storage Interface v1: how a cluster talks to a storage driver, over gRPC on a unix socket.
export * from "./common.ts";
export * from "./controller.ts";
export * from "./identity.ts";
export * from "./maps.ts";
export * from "./node.ts";
export * from "./services.ts";
