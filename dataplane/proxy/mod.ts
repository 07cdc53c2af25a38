export type { Backend } from "./backends.ts";
export { removeServiceRules } from "./nftables/nft-proxier.ts";
export { type ServicePort, servicePorts } from "./service-ports.ts";
export { type RunningProxy, type StartProxyOptions, startProxy } from "./start.ts";
