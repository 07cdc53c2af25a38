export { Violation } from "./hold.ts";
export type { FaultName, Parameters } from "./parameters.ts";
export { type Report, type RunOptions, run } from "./run.ts";
