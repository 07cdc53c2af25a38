import { type Json, type Operation, operationsOf } from "../../history/mod.ts";
import { isFields, textOfJson } from "../shape.ts";
import { type Anomaly, checker } from "../verdict.ts";

export interface ErrorOptions {
  /** Classes of errors after which a write may have happened all the same. Default: `indefiniteClasses`. */
  readonly indefinite?: ReadonlySet<string>;
  /** Operations that change nothing: whatever their error, they did not happen. */
  readonly reads?: ReadonlySet<string>;
}

/** What tells nothing of the request's fate, by the names that workloads give (etcd's and gRPC's). */
export const indefiniteClasses: ReadonlySet<string> = new Set([
  "Unavailable",
  "DeadlineExceeded",
  "Canceled",
  "Unknown",
  "Timeout",
  "TimeoutDueToLeaderFail",
  "TimeoutDueToConnectionLost",
  "LeaderChanged",
  "NoLeader",
  "Stopped",
  "ConnectionReset",
  "ConnectionClosed",
  // The quota is looked at before the proposal, and again when it is applied.
  "NoSpace",
]);

const defaultReads: ReadonlySet<string> = new Set([
  "read",
  "range",
  "watch",
  "dump",
  "hash",
  "log",
  "members",
  "cache",
  "lease-check",
  "observe",
]);

/**
 * Nobody said `fail` who could not know: no failed write has an error after which it may have happened, and none is seen. Looks for `put`'s values, `append`'s and
 * `add`'s elements, `write`'s values and what `cas` sets, where each is asked for once.
 */
export const errorAudit = checker<ErrorOptions>(
  "error classes",
  (history, { indefinite = indefiniteClasses, reads = defaultReads }) => {
    const operations = operationsOf(history);
    const anomalies: Anomaly[] = [];
    const failed = operations.filter(
      (operation) => operation.outcome === "fail" && !reads.has(operation.f) && !readsOnly(operation),
    );
    for (const operation of failed) {
      const kind = operation.error?.class;
      if (kind === undefined || indefinite.has(kind))
        anomalies.push({
          kind: "indefinite-fail",
          explanation: `Operation ${operation.index} (${operation.f}) was recorded as failed ${kind === undefined ? "without an error" : `with ${kind}`}, after which it may have happened: that is info.`,
          operations: [operation.index],
        });
    }
    const asked = new Map<string, Operation | "several">();
    for (const operation of operations)
      for (const token of tokensOf(operation)) asked.set(token, asked.has(token) ? "several" : operation);
    const suspects = new Map(
      [...asked].filter((entry): entry is [string, Operation] => entry[1] !== "several" && entry[1].outcome === "fail"),
    );
    if (suspects.size > 0) {
      for (const operation of operations) {
        if (operation.outcome !== "ok") continue;
        for (const token of seenIn(operation)) {
          const culprit = suspects.get(token);
          if (culprit === undefined) continue;
          suspects.delete(token);
          anomalies.push({
            kind: "failed-but-seen",
            explanation: `Operation ${culprit.index} (${culprit.f}) was recorded as failed, but operation ${operation.index} shows what it wrote.`,
            operations: [culprit.index, operation.index],
          });
        }
      }
    }
    const counts: Record<string, number> = {};
    for (const { outcome, error } of operations) {
      if (outcome === "ok") continue;
      const name = `${outcome}: ${error?.class ?? "no class"}`;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return { anomalies, judged: operations.length, of: "operations", figures: counts };
  },
);

/** A transaction of reads. */
function readsOnly({ f, input }: Operation): boolean {
  return f === "txn" && Array.isArray(input) && input.every((micro: Json) => Array.isArray(micro) && micro[0] === "r");
}

/** What an operation writes, as texts that no other operation has if values are unique: key and value. */
function tokensOf({ f, input }: Operation): string[] {
  if (f === "txn" && Array.isArray(input))
    return (input as readonly (readonly [string, unknown, never])[])
      .filter(([kind]) => kind !== "r")
      .map(([, key, value]) => token(key, value));
  if (!isFields(input)) return [];
  if (f === "put" || f === "write") return [token(input.key, input.value as never)];
  if (f === "cas") return [token(input.key, input.to as never)];
  return f === "add" && input.element !== undefined ? [token("", input.element)] : [];
}

function seenIn({ f, output }: Operation): string[] {
  if (f === "txn" && Array.isArray(output))
    return (output as readonly (readonly [string, unknown, never])[])
      .filter(([kind]) => kind === "r")
      .flatMap(([, key, value]: readonly [string, unknown, unknown]) =>
        Array.isArray(value) ? value.map((one) => token(key, one)) : [token(key, value as never)],
      );
  if (!isFields(output)) return [];
  if (f === "read" && Array.isArray(output.elements))
    return output.elements.map((element) => token("", element as never));
  if (f === "read") return [token(output.key, output.value as never)];
  const pairs = [...(Array.isArray(output.kvs) ? output.kvs : [])];
  for (const response of Array.isArray(output.responses) ? output.responses : [])
    if (isFields(response))
      pairs.push(
        ...(Array.isArray(response.events) ? response.events : []),
        ...(Array.isArray(response.kvs) ? response.kvs : []),
      );
  return pairs.filter(isFields).map((pair) => token(pair.key, pair.value as never));
}

function token(key: unknown, value: Parameters<typeof textOfJson>[0]): string {
  return `${String(key)}\0${textOfJson(value)}`;
}
