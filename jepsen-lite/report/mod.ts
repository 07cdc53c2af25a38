export { reportOf } from "./page.ts";
export type {
  Anomaly,
  CheckerVerdict,
  ClockSample,
  CycleEdge,
  LeaderChange,
  Manifest,
  Run,
  RunVerdict,
  SimulatedMessage,
} from "./run.ts";
export { readRun, runFiles, type SavedRun, saveRun } from "./run-directory.ts";
