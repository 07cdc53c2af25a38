export { decodeRun, encodeRun, type SnapshotRecord } from "./records.ts";
export { readStage, removeStages, StageWriter } from "./stage.ts";
