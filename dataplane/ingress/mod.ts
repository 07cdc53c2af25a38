export type { Timeouts } from "./forward.ts";
export type { Listener } from "./proxy.ts";
export type { RunningIngress, StartIngressOptions } from "./start.ts";
export { startIngress } from "./start.ts";
