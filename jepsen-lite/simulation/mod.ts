// The store in virtual time: one seed, one run.
export { type Case, replayCommand } from "./cases.ts";
export { Violation } from "./hold.ts";
export { everything, type Mask, parseMask } from "./mask.ts";
export type { FaultName, Parameters } from "./parameters.ts";
export { recorded } from "./recording.ts";
export { type ReplayOptions, replay } from "./replay.ts";
export { type Report, type RunOptions, run } from "./run.ts";
export { type Budget, type Shrunk, shrink } from "./shrink.ts";
export { type SweepOptions, sweep } from "./sweep.ts";
export { violationsIn } from "./verdicts.ts";
