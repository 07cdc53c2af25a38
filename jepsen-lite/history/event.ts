/** What JSON can say. Revisions beyond 2^53, 64-bit ids and bytes travel as strings: decimal, and hexadecimal for bytes that are no text. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * Who did it: a number for a client's process, "nemesis" for whoever breaks things. A process does one thing at a time. When one of a client's ends in
 * `info`, the process is retired, for it may be at it for ever; the client goes on as another.
 */
export type Process = number | "nemesis";

/**
 * - `invoke`: it was asked for.
 * - `ok`: it happened, somewhere between its invocation and now.
 * - `fail`: it certainly did not happen, and never will.
 * - `info`: it may have happened, may yet happen, or never.
 *
 * The nemesis' events are no requests: an `invoke` opens its fault's change, `info` or `ok` says that it was made.
 */
export type EventType = "invoke" | "ok" | "fail" | "info";

/** One line of a history, as Jepsen writes it (jepsen-io/jepsen: doc/tutorial/02-db.md; jepsen.history, Op). */
export interface HistoryEvent {
  /** Position in the history: 0, 1, 2, … without a gap. */
  readonly index: number;
  /** Nanoseconds since the run began. Never less than the event's before. */
  readonly timeNs: number;
  readonly process: Process;
  readonly type: EventType;
  /** The operation's name in its workload. */
  readonly f: string;
  /** What was asked (`invoke`), what came of it (`ok`), what was asked again (`fail`, `info`). */
  readonly value: Json;
  /** Why it did not end in `ok`: a short class, then text. */
  readonly error?: { readonly class: string; readonly text: string };
}

export type History = readonly HistoryEvent[];
