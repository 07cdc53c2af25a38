import { type Operation, operationsOf } from "../../history/mod.ts";
import { type LogEntry, Replay } from "../replay/replay.ts";
import { fieldsOf, numberOf } from "../shape.ts";
import { type Anomaly, checker } from "../verdict.ts";
import { type Compactions, guarantees } from "./guarantees.ts";
import { watchOf } from "./watch.ts";

export interface WatchOptions {
  /** The store's own log, where the run kept one: then nothing that is missing goes unseen. */
  readonly log?: readonly LogEntry[];
}

/** The nine guarantees of every watch (`watch`, see `watchOf`), against what all operations together say of the store's history. */
export const watches = checker<WatchOptions>("watches", (history, { log }) => {
  const operations = operationsOf(history);
  const replay = Replay.of(operations, log);
  const anomalies: Anomaly[] = [...replay.conflicts];
  const compactionsUntil = compactionsOf(operations);
  let judged = 0;
  let events = 0;
  for (const operation of operations) {
    if (operation.f !== "watch" || operation.outcome !== "ok") continue;
    judged++;
    const watch = watchOf(operation);
    for (const response of watch.responses) events += response.events.length;
    const compactions = compactionsUntil(operation);
    for (const [name, guarantee] of Object.entries(guarantees)) {
      let count = 0;
      for (const what of guarantee(watch, replay, compactions)) {
        // One thing gone wrong early is told of again by every event after it.
        if (++count > 3) break;
        const explanation = `Watch ${operation.index} is not ${name}: ${what}.`;
        anomalies.push({ kind: `watch-${name}`, explanation, operations: [operation.index] });
      }
    }
  }
  return {
    anomalies,
    judged: events === 0 ? 0 : judged,
    of: "watches with events",
    figures: { watches: judged, events },
  };
});

/** What `compact` operations may have done before another ended. */
export function compactionsOf(operations: readonly Operation[]): (until: Operation) => Compactions {
  const compacts = operations
    .filter(({ f, outcome }) => f === "compact" && outcome !== "fail")
    .map((operation) => ({
      operation,
      revision: numberOf(operation, fieldsOf(operation, operation.input), "revision"),
    }));
  return (until) => {
    let highest = 0;
    for (const { operation, revision } of compacts)
      if (operation.index < until.returned) highest = Math.max(highest, revision);
    return { mayHaveDropped: (revision) => revision < highest };
  };
}
