import type { Json, Operation } from "../../history/mod.ts";
import { type KeyRange, type KeyValue, keyValueOf, rangeOf } from "../replay/store-operations.ts";
import { fieldsOf, listOf, numberOf, optionalNumber, textOf, wrongShape } from "../shape.ts";

export interface WatchEvent {
  readonly type: "put" | "delete";
  readonly key: string;
  readonly mod: number;
  /** Of puts. */
  readonly value: string | undefined;
  readonly create: number | undefined;
  readonly version: number | undefined;
  readonly lease: string | undefined;
  /** The pair before; null when there was none. */
  readonly prev: KeyValue | null;
}

export interface WatchResponse {
  /** The header's. */
  readonly revision: number;
  readonly events: readonly WatchEvent[];
  readonly created: boolean;
  readonly canceled: boolean;
  /** No events, but the promise that all up to `revision` were sent. */
  readonly progress: boolean;
  /** More of the same revisions follows in the next response. */
  readonly fragment: boolean;
}

export interface Watch {
  readonly operation: Operation;
  readonly request: {
    readonly range: KeyRange;
    /** 0 for "from now on". */
    readonly startRevision: number;
    readonly prevKv: boolean;
    /** Types of events that were not wanted. */
    readonly filters: readonly ("put" | "delete")[];
  };
  readonly responses: readonly WatchResponse[];
}

/**
 * A watch is one operation: it asks `{ key, end?, startRevision, prevKv?, filters? }` and ends `ok`, however its stream ended, with all that came on it:
 * `{ responses: [{ revision, events?, created?, canceled?, progress?, fragment? }] }`, where an event is
 * `{ type, key, mod, value?, create?, version?, lease?, prev? }`.
 *
 * @throws Failure `HistoryMalformed`.
 */
export function watchOf(operation: Operation): Watch {
  const asked = fieldsOf(operation, operation.input);
  const filters = asked.filters === undefined ? [] : listOf(operation, asked, "filters");
  for (const filter of filters)
    if (filter !== "put" && filter !== "delete")
      throw wrongShape(operation, `has the filter ${JSON.stringify(filter)}`);
  return {
    operation,
    request: {
      range: rangeOf(operation, asked),
      startRevision: optionalNumber(operation, asked, "startRevision") ?? 0,
      prevKv: asked.prevKv === true,
      filters: filters as ("put" | "delete")[],
    },
    responses: listOf(operation, fieldsOf(operation), "responses").map((response) => responseOf(operation, response)),
  };
}

function responseOf(operation: Operation, value: Json): WatchResponse {
  const fields = fieldsOf(operation, value);
  const events = fields.events === undefined ? [] : listOf(operation, fields, "events");
  return {
    revision: numberOf(operation, fields, "revision"),
    events: events.map((event) => eventOf(operation, event)),
    created: fields.created === true,
    canceled: fields.canceled === true,
    progress: fields.progress === true,
    fragment: fields.fragment === true,
  };
}

function eventOf(operation: Operation, value: Json): WatchEvent {
  const fields = fieldsOf(operation, value);
  const { type, lease, prev } = fields;
  if (type !== "put" && type !== "delete") throw wrongShape(operation, `has an event of type ${JSON.stringify(type)}`);
  return {
    type,
    key: textOf(operation, fields, "key"),
    mod: numberOf(operation, fields, "mod"),
    value: type === "put" ? textOf(operation, fields, "value") : undefined,
    create: type === "put" ? optionalNumber(operation, fields, "create") : undefined,
    version: type === "put" ? optionalNumber(operation, fields, "version") : undefined,
    lease: typeof lease === "string" ? lease : undefined,
    prev: prev === undefined || prev === null ? null : keyValueOf(operation, prev),
  };
}
