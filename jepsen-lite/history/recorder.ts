import { assert } from "../../base/mod.ts";
import type { EventType, HistoryEvent, Json, Process } from "./event.ts";

export interface RecorderOptions {
  /** Nanoseconds since the run began; a step back is taken for standing still. */
  readonly nowNs: () => number;
  /** How many clients there are. They start as processes 0 … clients - 1. */
  readonly clients: number;
  /** Told of every event when it is recorded: to write it down before the next crash. */
  readonly sink?: (event: HistoryEvent) => void;
}

/**
 * Writes a history. Callers name their client; which process that is now is kept here, so that no workload can forget to retire one.
 *
 *     const done = recorder.invoke(client, "write", { key: "a", value: 1 });
 *     done("ok", { key: "a", value: 1, version: 7 });
 */
export class Recorder {
  readonly #events: HistoryEvent[] = [];
  readonly #options: RecorderOptions;
  /** The process that each client is at the moment. */
  readonly #process: number[];
  /** Clients with an operation under way. */
  readonly #busy: boolean[];
  #lastNs = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#process = Array.from({ length: options.clients }, (_, client) => client);
    this.#busy = Array.from({ length: options.clients }, () => false);
  }

  get events(): readonly HistoryEvent[] {
    return this.#events;
  }

  /** Opens an operation of a client; the function returned closes it, once. */
  invoke(client: number, f: string, value: Json): Completion {
    const process = this.#process[client];
    assert(process !== undefined, "a client is one of those that the recorder was told of");
    assert(!this.#busy[client], "a client does one thing at a time");
    this.#busy[client] = true;
    this.#add(process, "invoke", f, value);
    let open = true;
    return (type, result, error) => {
      assert(open, "an operation completes once");
      open = false;
      this.#busy[client] = false;
      // The clients' numbers never meet: each goes on at its own residue.
      if (type === "info") this.#process[client] = process + this.#options.clients;
      return this.#add(process, type, f, result === undefined ? value : result, error);
    };
  }

  /** What the nemesis is about to do (`invoke`) or has done (`info`, with what came of it). */
  nemesis(type: "invoke" | "info", f: string, value: Json, error?: HistoryEvent["error"]): HistoryEvent {
    return this.#add("nemesis", type, f, value, error);
  }

  #add(process: Process, type: EventType, f: string, value: Json, error?: HistoryEvent["error"]): HistoryEvent {
    this.#lastNs = Math.max(this.#lastNs, this.#options.nowNs());
    const event: HistoryEvent = {
      index: this.#events.length,
      timeNs: this.#lastNs,
      process,
      type,
      f,
      value,
      ...(error === undefined ? {} : { error }),
    };
    this.#events.push(event);
    this.#options.sink?.(event);
    return event;
  }
}

/** Without a result, the value is again what was asked. */
export type Completion = (type: "ok" | "fail" | "info", result?: Json, error?: HistoryEvent["error"]) => HistoryEvent;

/** Which of so many clients a process belongs to. */
export function clientOf(process: number, clients: number): number {
  return process % clients;
}
