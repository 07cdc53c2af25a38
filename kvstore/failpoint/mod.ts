export { type Effects, Failpoints } from "./failpoints.ts";
export { failpointsOfEnvironment } from "./http.ts";
export { failpoints } from "./machine.ts";
export { type FailpointName, failpointNames } from "./names.ts";
