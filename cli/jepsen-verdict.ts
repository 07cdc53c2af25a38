import type { RunVerdict } from "../jepsen-lite/report/mod.ts";
import { exitCodes } from "./component.ts";

export function wordOf(valid: RunVerdict["valid"]): string {
  return valid === true ? "valid" : valid === false ? "invalid" : "unknown";
}

/** 0 valid, 1 invalid, 2 unknown. */
export function exitCodeOf({ valid }: RunVerdict): number {
  return valid === true ? exitCodes.ok : valid === false ? exitCodes.failed : exitCodes.usage;
}
