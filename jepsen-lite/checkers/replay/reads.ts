import { type Operation, operationsOf } from "../../history/mod.ts";
import { fieldsOf, numberOf, optionalNumber } from "../shape.ts";
import { type Anomaly, checker } from "../verdict.ts";
import { compactionsOf } from "../watch/checker.ts";
import { type LogEntry, Replay } from "./replay.ts";
import { type KeyValue, keyValuesOf, rangeOf, type Step, stepsOf } from "./store-operations.ts";

export interface ReadsOptions {
  readonly log?: readonly LogEntry[];
}

/**
 * Every read is what the store was at a revision: the one that was asked for, else the header's. That holds for serializable reads too, which may be old but not
 * wrong; how old a linearizable read may be is judged elsewhere (`wholeStore`). A read that was refused for compaction (`fail`, class `Compacted`) must have had
 * one to be refused for.
 *
 * Operations: `range` and the ranges of `kv-txn`; see README.md.
 */
export const reads = checker<ReadsOptions>("reads by replay", (history, { log }) => {
  const operations = operationsOf(history);
  const replay = Replay.of(operations, log);
  const anomalies: Anomaly[] = [...replay.conflicts];
  const compactionsUntil = compactionsOf(operations);
  let judged = 0;
  for (const operation of operations) {
    const report = (kind: string, what: string) =>
      anomalies.push({ kind, explanation: `Read ${operation.index} ${what}.`, operations: [operation.index] });
    if (operation.outcome === "fail" && operation.f === "range" && operation.error?.class === "Compacted") {
      const revision = optionalNumber(operation, fieldsOf(operation, operation.input), "revision") ?? 0;
      if (revision > 0 && !compactionsUntil(operation).mayHaveDropped(revision))
        report(
          "compacted-too-much",
          `of revision ${revision} was refused as compacted, but nothing was to be compacted beyond it`,
        );
      continue;
    }
    if (operation.outcome !== "ok") continue;
    for (const { f, asked, got } of stepsOf(operation)) {
      if (f !== "range" || got.kvs === undefined) continue;
      judged++;
      judgeRead(operation, { f, asked, got }, replay, report);
    }
  }
  return { anomalies, judged, of: "reads" };
});

function judgeRead(
  operation: Operation,
  { asked, got }: Step,
  replay: Replay,
  report: (kind: string, what: string) => void,
): void {
  const header = numberOf(operation, fieldsOf(operation), "revision");
  const requested = optionalNumber(operation, asked, "revision") ?? 0;
  const at = requested > 0 ? requested : header;
  const kvs = keyValuesOf(operation, got, "kvs");
  const limit = optionalNumber(operation, asked, "limit") ?? 0;
  const more = got.more === true;
  if (requested > header) report("future-read", `of revision ${requested} was answered at revision ${header}`);
  // A read within a transaction that writes sees what that wrote before it: the header's revision, which is then the transaction's own.
  const seen = new Set<string>();
  let last: KeyValue | undefined;
  for (const kv of kvs) {
    seen.add(kv.key);
    if (last !== undefined && last.key >= kv.key) report("unordered-read", `has ${kv.key} after ${last.key}`);
    last = kv;
    if (kv.mod > at) {
      report("future-read", `at revision ${at} has ${kv.key} of revision ${kv.mod}`);
      continue;
    }
    const current = replay.lastChange(kv.key, at);
    if (current !== undefined && current.mod > kv.mod)
      report(
        "stale-read",
        `at revision ${at} has ${kv.key} of revision ${kv.mod}, but operation ${current.operation} shows its ${current.type} at revision ${current.mod}`,
      );
  }
  if (limit > 0 && kvs.length > limit) report("limit", `was to have ${limit} keys at most, and has ${kvs.length}`);
  let live = 0;
  let sure = true;
  for (const key of replay.keysIn(rangeOf(operation, asked))) {
    const current = replay.lastChange(key, at);
    if (current === undefined) continue;
    if (!replay.certain(current.mod, at)) sure = false;
    if (current.type === "delete") continue;
    live++;
    const cut = more && (last === undefined || key > last.key);
    if (!seen.has(key) && !cut && asked.countOnly !== true && replay.certain(current.mod, at))
      report(
        "missing-key",
        `at revision ${at} lacks ${key}, which operation ${current.operation} shows there since revision ${current.mod}`,
      );
  }
  const count = optionalNumber(operation, got, "count");
  if (count !== undefined && sure && replay.certain(1, at) && count !== live)
    report("count", `at revision ${at} counts ${count} keys where there are ${live}`);
}
