import { Failure, toHex } from "../../base/mod.ts";
import type { EventType, HistoryEvent, Json } from "./event.ts";

const types: ReadonlySet<string> = new Set<EventType>(["invoke", "ok", "fail", "info"]);

/** One event as a line, with its newline. */
export function formatEvent(event: HistoryEvent): string {
  return `${JSON.stringify(event, spell)}\n`;
}

export function formatHistory(events: Iterable<HistoryEvent>): string {
  let text = "";
  for (const event of events) text += formatEvent(event);
  return text;
}

/** For values that a workload did not turn into JSON itself. */
function spell(_name: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return toHex(value);
  return value;
}

export interface ParsedHistory {
  readonly events: readonly HistoryEvent[];
  /**
   * The run was killed while it wrote its last line: what is before it is whole and was read. Who judges the history must say so, and everything that line
   * would have completed counts as `info`.
   */
  readonly torn?: Failure;
}

/** @throws Failure `HistoryMalformed`, which names the line. */
export function parseHistory(text: string): ParsedHistory {
  const reader = new HistoryReader();
  reader.push(text);
  return reader.finish();
}

/** Reads a history that comes in pieces cut anywhere. */
export class HistoryReader {
  readonly #events: HistoryEvent[] = [];
  #rest = "";
  #line = 0;

  /** @throws Failure `HistoryMalformed`. */
  push(piece: string): void {
    const text = this.#rest + piece;
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      this.#line++;
      const line = text.slice(from, end);
      if (line.trim() !== "") this.#events.push(this.#parse(line));
      from = end + 1;
    }
    this.#rest = text.slice(from);
  }

  finish(): ParsedHistory {
    const events = this.#events;
    if (this.#rest.trim() === "") return { events };
    this.#line++;
    try {
      events.push(this.#parse(this.#rest));
    } catch (error) {
      // Only what is no JSON was torn: a whole value of the wrong shape is a mistake of whoever wrote it, newline or not.
      if (!(error instanceof Failure) || !(error.cause instanceof SyntaxError)) throw error;
      return { events, torn: error };
    }
    return { events };
  }

  #parse(line: string): HistoryEvent {
    let value: Json;
    try {
      value = JSON.parse(line) as Json;
    } catch (cause) {
      throw this.#malformed(`is no JSON: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
    }
    if (value === null || typeof value !== "object" || Array.isArray(value)) throw this.#malformed("is no event");
    const event = value as { readonly [name: string]: Json };
    if (event.index !== this.#events.length)
      throw this.#malformed(`has index ${JSON.stringify(event.index)} where ${this.#events.length} comes next`);
    const time = event.timeNs;
    if (typeof time !== "number" || !(time >= 0)) throw this.#malformed("has no timeNs");
    const before = this.#events.at(-1)?.timeNs ?? 0;
    if (time < before) throw this.#malformed(`is earlier (${time} ns) than the line before (${before} ns)`);
    const process = event.process;
    if (process !== "nemesis" && !(Number.isSafeInteger(process) && (process as number) >= 0))
      throw this.#malformed(`has no process, but ${JSON.stringify(process)}`);
    if (typeof event.type !== "string" || !types.has(event.type))
      throw this.#malformed(`has the type ${JSON.stringify(event.type)}; there are ${[...types].join(", ")}`);
    if (typeof event.f !== "string" || event.f === "") throw this.#malformed("has no f");
    if (event.value === undefined) throw this.#malformed("has no value (null is one)");
    const error = event.error;
    if (error !== undefined && !isErrorShape(error)) throw this.#malformed("has an error that is not { class, text }");
    return value as unknown as HistoryEvent;
  }

  #malformed(what: string, cause?: unknown): Failure {
    return new Failure(
      "HistoryMalformed",
      `line ${this.#line} of the history ${what}`,
      "Each line is one event, in the order in which they happened: see jepsen-lite/history/README.md.",
      cause,
    );
  }
}

function isErrorShape(error: Json): boolean {
  if (error === null || typeof error !== "object" || Array.isArray(error)) return false;
  const { class: kind, text } = error as { readonly [name: string]: Json };
  return typeof kind === "string" && typeof text === "string";
}
