import type { Json, Operation } from "../../history/mod.ts";
import { type Fields, fieldsOf, isFields, listOf, numberOf, optionalNumber, textOf, wrongShape } from "../shape.ts";

/** A key at one revision, as the store tells it. What an operation did not ask for may be missing. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** Revision of its last change. */
  readonly mod: number;
  /** Revision at which it was created, and changes since then, that one included. */
  readonly create: number | undefined;
  readonly version: number | undefined;
  readonly lease: string | undefined;
}

/** Keys from `key` up to, without, `end`; one key without. "\0" as `end` means all keys from `key` on. */
export interface KeyRange {
  readonly key: string;
  readonly end: string | undefined;
}

/** Text is compared as JavaScript does, which is the store's order of bytes but for astral characters. */
export function inRange({ key, end }: KeyRange, candidate: string): boolean {
  if (end === undefined) return candidate === key;
  return candidate >= key && (end === "\0" || candidate < end);
}

export function rangeOf(operation: Operation, fields: Fields): KeyRange {
  const end = fields.end;
  if (end !== undefined && end !== null && typeof end !== "string")
    throw wrongShape(operation, "has an end that is no text");
  return { key: textOf(operation, fields, "key"), end: end ?? undefined };
}

export function keyValueOf(operation: Operation, value: Json): KeyValue {
  const fields = fieldsOf(operation, value);
  const lease = fields.lease;
  return {
    key: textOf(operation, fields, "key"),
    value: textOf(operation, fields, "value"),
    mod: numberOf(operation, fields, "mod"),
    create: optionalNumber(operation, fields, "create"),
    version: optionalNumber(operation, fields, "version"),
    lease: typeof lease === "string" && lease !== "" && lease !== "0" ? lease : undefined,
  };
}

export function keyValuesOf(operation: Operation, fields: Fields, name: string): KeyValue[] {
  return listOf(operation, fields, name).map((value) => keyValueOf(operation, value));
}

/** What a request of a transaction, or one by itself, did: `f` and its fields, and those of its answer. */
export interface Step {
  readonly f: "put" | "delete" | "range";
  readonly asked: Fields;
  readonly got: Fields;
}

/** The requests that an operation which ended in `ok` carried out: itself, or those of a transaction's branch. */
export function stepsOf(operation: Operation): Step[] {
  const { f, input, output } = operation;
  const [asked, got] = [fieldsOf(operation, input), fieldsOf(operation, output)];
  if (f === "put" || f === "delete" || f === "range") return [{ f, asked, got }];
  if (f !== "kv-txn") return [];
  const branch = listOf(operation, asked, got.succeeded === true ? "success" : "failure");
  const responses = listOf(operation, got, "responses");
  if (responses.length !== branch.length) throw wrongShape(operation, "has not as many responses as requests");
  return branch.map((request, i) => {
    const fields = fieldsOf(operation, request);
    const kind = fields.f;
    if (kind !== "put" && kind !== "delete" && kind !== "range")
      throw wrongShape(operation, `asks for ${JSON.stringify(kind)}`);
    const response = responses[i];
    return { f: kind, asked: fields, got: isFields(response) ? response : {} };
  });
}
