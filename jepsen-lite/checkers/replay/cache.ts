import { operationsOf } from "../../history/mod.ts";
import { fieldsOf, numberOf } from "../shape.ts";
import { type Anomaly, checker } from "../verdict.ts";
import { type LogEntry, Replay } from "./replay.ts";
import { keyValuesOf, rangeOf } from "./store-operations.ts";

export interface CacheOptions {
  readonly log?: readonly LogEntry[];
}

/**
 * An informer's cache is the store at the revision it says, and this never goes back while the informer runs.
 *
 * Operations: `cache`, which asks `{ key, end? }` (what is cached) and gets `{ informer, revision, kvs }`.
 */
export const caches = checker<CacheOptions>("informer caches", (history, { log }) => {
  const operations = operationsOf(history);
  const replay = Replay.of(operations, log);
  const anomalies: Anomaly[] = [...replay.conflicts];
  const newest = new Map<string, { readonly revision: number; readonly returned: number; readonly index: number }>();
  let judged = 0;
  for (const operation of operations) {
    if (operation.f !== "cache" || operation.outcome !== "ok") continue;
    judged++;
    const fields = fieldsOf(operation);
    const informer = String(fields.informer);
    const revision = numberOf(operation, fields, "revision");
    const cached = new Map(keyValuesOf(operation, fields, "kvs").map((kv) => [kv.key, kv]));
    const report = (kind: string, what: string, ...others: number[]) =>
      anomalies.push({
        kind,
        explanation: `The cache of ${informer} (operation ${operation.index}), at revision ${revision}, ${what}.`,
        operations: [operation.index, ...others],
      });
    const before = newest.get(informer);
    if (before !== undefined && before.returned < operation.index && before.revision > revision)
      report("cache-went-back", `was at revision ${before.revision} in operation ${before.index}`, before.index);
    if (before === undefined || before.revision < revision)
      newest.set(informer, { revision, returned: operation.returned, index: operation.index });
    for (const kv of cached.values()) {
      const current = replay.lastChange(kv.key, revision);
      if (kv.mod > revision) report("cache-differs", `has ${kv.key} of revision ${kv.mod}`);
      else if (current === undefined ? replay.certain(1, revision) : current.mod > kv.mod)
        report(
          "cache-differs",
          `has ${kv.key} of revision ${kv.mod}, but the store ${current === undefined ? "never had it" : `has its ${current.type} of revision ${current.mod}`}`,
        );
      else if (current !== undefined && current.mod === kv.mod && current.value !== kv.value)
        report(
          "cache-differs",
          `has ${kv.key} = ${JSON.stringify(kv.value)}, but the store has ${JSON.stringify(current.value)}`,
        );
    }
    for (const key of replay.keysIn(rangeOf(operation, fieldsOf(operation, operation.input)))) {
      const current = replay.lastChange(key, revision);
      if (current?.type === "put" && !cached.has(key) && replay.certain(current.mod, revision))
        report("cache-differs", `lacks ${key}, which the store has since revision ${current.mod}`);
    }
  }
  return { anomalies, judged, of: "caches" };
});
