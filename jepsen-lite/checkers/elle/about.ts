import type { Operation } from "../../history/mod.ts";
import type { Anomaly } from "../verdict.ts";

/** An anomaly of one transaction, or of one with another: `T<operation> <what>.`, then the transactions. */
export function about(kind: string, what: string, operation: Operation, other?: Operation): Anomaly {
  const operations = other === undefined ? [operation] : [operation, other];
  const lines = operations.map(({ index, output }) => `T${index} = ${JSON.stringify(output)}`);
  return {
    kind,
    explanation: [`T${operation.index} ${what}.`, ...lines].join("\n"),
    operations: operations.map(({ index }) => index),
  };
}
