import { Failure } from "../../base/mod.ts";
import type { History, HistoryEvent, Json } from "./event.ts";

/** A client's request from invocation to completion. */
export interface Operation {
  /** Index of its invocation in the history: what reports call it by. */
  readonly index: number;
  readonly process: number;
  readonly f: string;
  /** What was asked. */
  readonly input: Json;
  /** `info` also when the history ends before it does. */
  readonly outcome: "ok" | "fail" | "info";
  /** What came of it; what was asked when nothing did. */
  readonly output: Json;
  readonly error: HistoryEvent["error"];
  readonly invokedNs: number;
  /** When the client knew. Infinity for what never completed, and for `info`: it may happen at any time from now on. */
  readonly returnedNs: number;
  /** Index of its completion; Infinity like `returnedNs`. Compare positions by index, not by time: two events may share a nanosecond. */
  readonly returned: number;
}

/**
 * The clients' operations, in the order of their invocations.
 * @throws Failure `HistoryMalformed` when a process does two things at once, completes what it did not begin, or acts after its retirement.
 */
export function operationsOf(history: History): Operation[] {
  const operations: Operation[] = [];
  const open = new Map<number, { readonly event: HistoryEvent; readonly at: number }>();
  const retired = new Set<number>();
  for (const event of history) {
    const { process } = event;
    if (process === "nemesis") continue;
    if (retired.has(process)) throw malformed(event, "acts after an operation of it ended in info");
    const begun = open.get(process);
    if (event.type === "invoke") {
      if (begun !== undefined) throw malformed(event, `begins, but its operation ${begun.event.index} has not ended`);
      open.set(process, { event, at: operations.length });
      operations.push(unfinished(event, process));
      continue;
    }
    if (begun === undefined) throw malformed(event, "completes what it did not begin");
    if (begun.event.f !== event.f) throw malformed(event, `completes ${event.f}, but began ${begun.event.f}`);
    open.delete(process);
    if (event.type === "info") retired.add(process);
    const never = event.type === "info";
    operations[begun.at] = {
      index: begun.event.index,
      process,
      f: event.f,
      input: begun.event.value,
      outcome: event.type,
      output: event.value,
      error: event.error,
      invokedNs: begun.event.timeNs,
      returnedNs: never ? Infinity : event.timeNs,
      returned: never ? Infinity : event.index,
    };
  }
  return operations;
}

function unfinished(event: HistoryEvent, process: number): Operation {
  return {
    index: event.index,
    process,
    f: event.f,
    input: event.value,
    outcome: "info",
    output: event.value,
    error: undefined,
    invokedNs: event.timeNs,
    returnedNs: Infinity,
    returned: Infinity,
  };
}

function malformed(event: HistoryEvent, what: string): Failure {
  return new Failure(
    "HistoryMalformed",
    `event ${event.index} of the history: process ${event.process} ${what}`,
    "A process does one thing at a time; after info its client goes on under another number.",
  );
}
