import { type Verdict, wholeStore } from "../checkers/mod.ts";
import type { History } from "../history/mod.ts";

/** The search for an order of everything that happened grows with what was under way at once and with what nobody knows the end of. */
const mostOperations = 3000;
const mostUnknown = 20;
const steps = 100_000;

/**
 * Linearizability of the whole store, of histories that are small enough to be decided: of others, nothing. What workloads ask besides, by replay, is judged
 * of all.
 */
export function wholeStoreIfSmall(history: History): readonly Verdict[] {
  let operations = 0;
  let unknown = 0;
  for (const { process, type } of history) {
    if (process === "nemesis") continue;
    if (type === "invoke") operations++;
    else if (type === "info") unknown++;
  }
  if (operations > mostOperations || unknown > mostUnknown) return [];
  const verdict = wholeStore(history, { steps });
  return verdict.valid === "unknown" ? [] : [verdict];
}
