export type { BoundSocket, HostNetwork, HostSide } from "./forwarder.ts";
export { type StartEdgeOptions, startEdge } from "./start.ts";
