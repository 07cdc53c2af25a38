import { InvariantViolation } from "../../base/mod.ts";
import type { History } from "../history/mod.ts";

/** One thing that should not have been possible. */
export interface Anomaly {
  /** For example `lost-update`; stable, in the field's words. */
  readonly kind: string;
  /** What happened and why it cannot be, in sentences. */
  readonly explanation: string;
  /** The operations it takes to see it: indexes of their invocations in the history, in the order in which the explanation names them. */
  readonly operations: readonly number[];
  /** Where each must come before the next and the last before the first: why, step by step. */
  readonly cycle?: readonly CycleStep[];
}

/** Between two operations, by the indexes of their invocations. */
export interface CycleStep {
  readonly from: number;
  readonly to: number;
  /** `ww`, `wr`, `rw`, `process`, `realtime`. */
  readonly kind: string;
  readonly because: string;
}

/** What a checker says of a history. `unknown` is no kind of valid: whoever runs checkers counts it as a failure. */
export interface Verdict {
  readonly valid: true | false | "unknown";
  readonly checker: string;
  /** One sentence. */
  readonly summary: string;
  /** The first so many (`anomalyLimit`); the summary says how many there were. */
  readonly anomalies: readonly Anomaly[];
  /** What was counted or measured on the way, by name; times end in their unit. */
  readonly figures?: Readonly<Record<string, number>>;
}

export type Checker<Options> = (history: History, options: Options) => Verdict;

/** What a checker's body found; `checker` makes the verdict of it. */
export interface Findings {
  readonly anomalies: readonly Anomaly[];
  /** How many things were judged, and what they are: "reads", "transactions". None at all is never valid. */
  readonly judged: number;
  readonly of: string;
  /** Why nothing can be said although nothing wrong was seen. */
  readonly undecided?: string;
  readonly figures?: Readonly<Record<string, number>>;
}

/** Thrown by a checker that has spent what it was given. */
export class BudgetExceeded extends Error {
  override readonly name = "BudgetExceeded";
}

/** Of more anomalies than this, a verdict keeps the first. */
export const anomalyLimit = 50;

/**
 * Makes a checker of a body that may throw. What a checker must never do is call a history valid because it failed to look at it: an exception inside is
 * invalid, a spent budget and an empty history are unknown.
 */
export function checker<Options>(
  name: string,
  body: (history: History, options: Options) => Findings,
): Checker<Options> {
  return (history, options) => {
    try {
      return verdictOf(name, body(history, options));
    } catch (error) {
      if (error instanceof BudgetExceeded) return undecided(name, `gave up: ${error.message}`);
      const text = error instanceof Error ? error.message : String(error);
      const kind =
        error instanceof InvariantViolation || !(error instanceof Error) ? "checker-failed" : failureKind(error);
      return {
        valid: false,
        checker: name,
        summary: `The checker itself failed, which proves nothing: ${text}`,
        anomalies: [{ kind, explanation: text, operations: [] }],
      };
    }
  };
}

function failureKind(error: Error): string {
  return "code" in error && error.code === "HistoryMalformed" ? "malformed-history" : "checker-failed";
}

function verdictOf(name: string, findings: Findings): Verdict {
  const { anomalies, judged, of, figures } = findings;
  if (anomalies.length > 0) {
    const kinds = new Map<string, number>();
    for (const { kind } of anomalies) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    const counted = [...kinds].map(([kind, count]) => (count === 1 ? kind : `${count} × ${kind}`)).join(", ");
    return {
      valid: false,
      checker: name,
      summary: `Invalid: ${counted}. ${anomalies[0]?.explanation.split("\n")[0]}`,
      anomalies: anomalies.slice(0, anomalyLimit),
      figures,
    };
  }
  if (findings.undecided !== undefined) return { ...undecided(name, findings.undecided), figures };
  if (judged === 0) return { ...undecided(name, `there are no ${of} in this history to judge`), figures };
  return { valid: true, checker: name, summary: `Valid: ${judged} ${of} were judged.`, anomalies: [], figures };
}

function undecided(name: string, why: string): Verdict {
  return { valid: "unknown", checker: name, summary: `Unknown: ${why}.`, anomalies: [] };
}

/** Of several verdicts: invalid when one is, else unknown when one is or there are none. */
export function overall(verdicts: readonly Verdict[]): Verdict["valid"] {
  if (verdicts.some((verdict) => verdict.valid === false)) return false;
  return verdicts.length > 0 && verdicts.every((verdict) => verdict.valid === true) ? true : "unknown";
}
