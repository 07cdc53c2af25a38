export type { BoundSocket, HostNetwork } from "./forwarder.ts";
export { type StartEdgeOptions, startEdge } from "./start.ts";
