import { operationsOf } from "../../history/mod.ts";
import { fieldsOf, textOf } from "../shape.ts";
import { type Anomaly, checker } from "../verdict.ts";

export interface ResourceOptions {
  /** The most that any sample may show, by the samples' names: `rssBytes`, `openFiles`, `dataBytes`. */
  readonly most: Readonly<Record<string, number>>;
}

/** Memory, open files and data stay within bounds. Operations: `resources`, which gets `{ member, <name>: number, … }`. */
export const resources = checker<ResourceOptions>("resources", (history, { most }) => {
  const anomalies: Anomaly[] = [];
  const worst: Record<string, number> = {};
  let judged = 0;
  for (const operation of operationsOf(history)) {
    if (operation.f !== "resources" || operation.outcome !== "ok") continue;
    judged++;
    const fields = fieldsOf(operation);
    for (const [name, limit] of Object.entries(most)) {
      const value = fields[name];
      if (typeof value !== "number") continue;
      worst[name] = Math.max(worst[name] ?? 0, value);
      if (value <= limit) continue;
      const explanation = `${textOf(operation, fields, "member")} has ${name} at ${value}, over ${limit} (operation ${operation.index}).`;
      anomalies.push({ kind: "too-much", explanation, operations: [operation.index] });
    }
  }
  return { anomalies, judged, of: "samples", figures: worst };
});
