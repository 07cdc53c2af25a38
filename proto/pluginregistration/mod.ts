// How a driver beside a node makes itself known to its kubelet, by a socket in a directory that the kubelet watches.
export * from "./registration.ts";
