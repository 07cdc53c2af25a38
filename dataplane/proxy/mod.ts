export { type Backend, type ServicePort, servicePorts } from "./service-ports.ts";
export { type RunningProxy, type StartProxyOptions, startProxy } from "./start.ts";
