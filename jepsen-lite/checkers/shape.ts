import { Failure } from "../../base/mod.ts";
import type { Json, Operation } from "../history/mod.ts";

/** An object of JSON. */
export type Fields = { readonly [name: string]: Json };

/** What a workload wrote is not what its checker reads: the harness is wrong, not the store. */
export function wrongShape(operation: Operation, what: string): Failure {
  return new Failure(
    "HistoryMalformed",
    `operation ${operation.index} (${operation.f}) ${what}; it asked ${JSON.stringify(operation.input)} and got ${JSON.stringify(operation.output)}`,
    "The shapes that each checker reads are in jepsen-lite/checkers/README.md.",
  );
}

export function isFields(value: Json | undefined): value is Fields {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** @throws Failure `HistoryMalformed`. */
export function fieldsOf(operation: Operation, value: Json = operation.output): Fields {
  if (!isFields(value)) throw wrongShape(operation, "has a value that is no object");
  return value;
}

/** @throws Failure `HistoryMalformed`. */
export function textOf(operation: Operation, fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string") throw wrongShape(operation, `has no text ${name}`);
  return value;
}

/** @throws Failure `HistoryMalformed`. */
export function numberOf(operation: Operation, fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== "number") throw wrongShape(operation, `has no number ${name}`);
  return value;
}

/** @throws Failure `HistoryMalformed`. */
export function listOf(operation: Operation, fields: Fields, name: string): readonly Json[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw wrongShape(operation, `has no list ${name}`);
  return value as readonly Json[];
}

/** A revision, version or id that need not be there. */
export function optionalNumber(operation: Operation, fields: Fields, name: string): number | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number") throw wrongShape(operation, `has a ${name} that is no number`);
  return value;
}

/** A key of a map for any JSON. */
export function textOfJson(value: Json | undefined): string {
  return typeof value === "number" ? `${value}` : (JSON.stringify(value ?? null) as string);
}
