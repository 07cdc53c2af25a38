export type { ListenAddress } from "./server.ts";
export { type RunningDns, type StartDnsOptions, startDns } from "./start.ts";
