import { type Operation, operationsOf } from "../../history/mod.ts";
import { fieldsOf, isFields, wrongShape } from "../shape.ts";
import { type Anomaly, checker } from "../verdict.ts";

interface Read {
  readonly operation: Operation;
  readonly written: ReadonlySet<string>;
}

/**
 * Each key is written once. Of two reads of the same keys, one must have seen all that the other saw: else they saw two writes in different orders, which even
 * parallel snapshot isolation allows, but nothing stronger.
 *
 * Operations: `read`, which gets `{ values: { key: value or null, … } }`.
 */
export const longFork = checker<Record<never, never>>("long-fork", (history) => {
  const groups = new Map<string, Read[]>();
  let judged = 0;
  for (const operation of operationsOf(history)) {
    if (operation.f !== "read" || operation.outcome !== "ok") continue;
    judged++;
    const { values } = fieldsOf(operation);
    if (!isFields(values)) throw wrongShape(operation, "has no values");
    const keys = Object.keys(values).sort();
    const written = new Set(keys.filter((key) => values[key] !== null));
    const group = groups.get(JSON.stringify(keys));
    if (group === undefined) groups.set(JSON.stringify(keys), [{ operation, written }]);
    else group.push({ operation, written });
  }
  const anomalies: Anomaly[] = [];
  for (const group of groups.values()) {
    group.sort((a, b) => a.written.size - b.written.size);
    // In a chain, each is part of the next: comparing neighbours is comparing all.
    for (let i = 1; i < group.length; i++) {
      const [less, more] = [group[i - 1] as Read, group[i] as Read];
      const forked = [...less.written].find((key) => !more.written.has(key));
      if (forked === undefined) continue;
      const other = [...more.written].find((key) => !less.written.has(key));
      anomalies.push({
        kind: "long-fork",
        explanation: `Read ${less.operation.index} shows ${forked} written and ${other} not; read ${more.operation.index} shows it the other way round.`,
        operations: [less.operation.index, more.operation.index],
      });
    }
  }
  return { anomalies, judged, of: "reads" };
});
