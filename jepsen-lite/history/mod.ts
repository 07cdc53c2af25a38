export type { EventType, History, HistoryEvent, Json, Process } from "./event.ts";
export { formatEvent, formatHistory, HistoryReader, type ParsedHistory, parseHistory } from "./ndjson.ts";
export { type Operation, operationsOf } from "./operations.ts";
export { type Completion, clientOf, Recorder, type RecorderOptions } from "./recorder.ts";
