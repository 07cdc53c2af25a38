import type { Json, Operation } from "../history/mod.ts";
import { textOfJson, wrongShape } from "./shape.ts";

/** One step of a transaction: what, of which key, with which value. */
export type MicroOp = readonly [kind: string, key: string, value: Json];

/** @throws Failure `HistoryMalformed` when `value` is no list of `[kind, key, value]` with one of these kinds. */
export function microOpsOf(operation: Operation, value: Json, kinds: readonly string[]): MicroOp[] {
  if (!Array.isArray(value)) throw wrongShape(operation, "is no list of micro-operations");
  return (value as readonly Json[]).map((micro) => {
    const parts = micro as readonly Json[];
    if (!Array.isArray(micro) || !kinds.includes(parts[0] as string))
      throw wrongShape(operation, `has ${JSON.stringify(micro)}, which is none of ${kinds.join(", ")}`);
    const key = parts[1] as Json;
    return [parts[0] as string, typeof key === "string" ? key : textOfJson(key), parts[2] ?? null];
  });
}
