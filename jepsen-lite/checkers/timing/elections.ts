import { type Json, type Operation, operationsOf } from "../../history/mod.ts";
import { type Fields, fieldsOf, isFields, numberOf } from "../shape.ts";
import { type Anomaly, checker } from "../verdict.ts";

/** Who led, by the token that grows with each leader, and what it had proclaimed last: its values grow too. */
interface Word {
  readonly token: number;
  readonly value: number;
  readonly operation: Operation;
}

/**
 * One leader after the other, each with a greater token: no two have the same, and once a leader's word was seen or taken, nothing of its predecessors is, nor
 * what it had said before.
 *
 * Operations: `campaign` of `{ value }`, which gets `{ token, value }`; `proclaim` of `{ token, value }`; `observe`, which gets the same, or null where nobody leads.
 * Values are numbers, each proclaimed once, a leader's own growing.
 */
export const elections = checker<Record<never, never>>("elections", (history) => {
  const operations = operationsOf(history);
  const anomalies: Anomaly[] = [];
  const proclaimed = new Set<Json>();
  const leaders = new Map<number, Operation>();
  const words: Word[] = [];
  for (const operation of operations) {
    const { f, input, outcome } = operation;
    if (f !== "campaign" && f !== "proclaim" && f !== "observe") continue;
    // Who gave up, or crashed, may have led all the same, and been seen.
    if (f === "campaign" || (f === "proclaim" && outcome !== "fail"))
      proclaimed.add(fieldsOf(operation, input).value ?? null);
    if (outcome !== "ok" || !isFields(operation.output)) continue;
    const word = wordOf(operation, operation.output);
    words.push(word);
    if (f !== "campaign") continue;
    const other = leaders.get(word.token);
    if (other !== undefined)
      anomalies.push(about("token-given-twice", `Token ${word.token} was given twice`, other, operation));
    leaders.set(word.token, operation);
  }
  for (const { operation, value } of words)
    if (!proclaimed.has(value))
      anomalies.push({
        kind: "phantom",
        explanation: `Operation ${operation.index} saw ${value}, which nobody proclaimed.`,
        operations: [operation.index],
      });
  judgeOrder(words, anomalies);
  return { anomalies, judged: words.length, of: "words of leaders", figures: { leaders: leaders.size } };
});

function wordOf(operation: Operation, fields: Fields): Word {
  return { token: numberOf(operation, fields, "token"), value: numberOf(operation, fields, "value"), operation };
}

/** What was known when an operation began it cannot be behind. */
function judgeOrder(words: readonly Word[], anomalies: Anomaly[]): void {
  const byReturn = [...words].sort((a, b) => a.operation.returned - b.operation.returned);
  let returned = 0;
  let newest: Word | undefined;
  for (const word of words) {
    for (
      ;
      returned < byReturn.length && (byReturn[returned] as Word).operation.returned < word.operation.index;
      returned++
    ) {
      const done = byReturn[returned] as Word;
      if (newest === undefined || isBefore(newest, done)) newest = done;
    }
    if (newest === undefined || !isBefore(word, newest)) continue;
    const what = `Leader ${word.token}, at ${word.value}, came after leader ${newest.token}, at ${newest.value}`;
    anomalies.push(
      about(word.operation.f === "observe" ? "stale-leader" : "unfenced", what, newest.operation, word.operation),
    );
  }
}

function isBefore(a: Word, b: Word): boolean {
  return a.token === b.token ? a.value < b.value : a.token < b.token;
}

function about(kind: string, what: string, first: Operation, second: Operation): Anomaly {
  return {
    kind,
    explanation: `${what} (operations ${first.index} and ${second.index}).`,
    operations: [first.index, second.index],
  };
}
