import { operationsOf } from "../../history/mod.ts";
import { fieldsOf, numberOf, textOf } from "../shape.ts";
import { type Anomaly, checker } from "../verdict.ts";
import { type LogEntry, Replay } from "./replay.ts";
import { keyValuesOf, stepsOf } from "./store-operations.ts";

export interface DurabilityOptions {
  readonly log?: readonly LogEntry[];
}

/**
 * Every acknowledged write is still there at the end, on every member: as its key's value, or as the past of one that certainly came later. Revisions that went
 * back, or were given twice, are found on the way.
 *
 * Operations: writes (`put`, `delete`, `kv-txn`), and at the end of the run, once per member, `dump` with `{ member, revision, kvs }`: all keys. What happens
 * after a member's dump is not looked for in it.
 */
export const durability = checker<DurabilityOptions>("durability", (history, { log }) => {
  const operations = operationsOf(history);
  const replay = Replay.of(operations, log);
  const anomalies: Anomaly[] = [...replay.conflicts];
  const writers = new Map<number, number>();
  const writes: {
    readonly index: number;
    readonly returned: number;
    readonly revision: number;
    readonly keys: readonly string[];
  }[] = [];
  for (const operation of operations) {
    if (operation.outcome !== "ok") continue;
    const keys = stepsOf(operation)
      .filter(({ f, got }) => f === "put" || (f === "delete" && got.deleted !== 0))
      .filter(({ f, asked }) => f === "put" || asked.end === undefined)
      .map(({ asked }) => textOf(operation, asked, "key"));
    if (keys.length === 0) continue;
    const revision = numberOf(operation, fieldsOf(operation), "revision");
    const other = writers.get(revision);
    if (other !== undefined)
      anomalies.push({
        kind: "revision-given-twice",
        explanation: `Writes ${other} and ${operation.index} were both acknowledged at revision ${revision}: one of them is lost.`,
        operations: [other, operation.index],
      });
    writers.set(revision, operation.index);
    writes.push({ index: operation.index, returned: operation.returned, revision, keys });
  }
  let dumps = 0;
  for (const operation of operations) {
    if (operation.f !== "dump" || operation.outcome !== "ok") continue;
    dumps++;
    const fields = fieldsOf(operation);
    const member = textOf(operation, fields, "member");
    const revision = numberOf(operation, fields, "revision");
    const kvs = new Map(keyValuesOf(operation, fields, "kvs").map((kv) => [kv.key, kv]));
    for (const write of writes) {
      if (write.returned > operation.index) continue;
      const lost =
        write.revision > revision ? `is only at revision ${revision}` : lostKey(write, kvs, replay, revision);
      if (lost === undefined) continue;
      anomalies.push({
        kind: "lost-write",
        explanation: `Write ${write.index} was acknowledged at revision ${write.revision}, but ${member} ${lost}.`,
        operations: [write.index, operation.index],
      });
    }
    for (const kv of kvs.values()) {
      const known = replay.lastChange(kv.key, revision);
      if (known !== undefined && known.mod > kv.mod)
        anomalies.push({
          kind: "resurrected",
          explanation: `${member} has ${kv.key} of revision ${kv.mod} at the end, but it changed at revision ${known.mod}.`,
          operations: [operation.index],
        });
    }
  }
  return { anomalies, judged: dumps === 0 ? 0 : writes.length, of: "acknowledged writes with a dump" };
});

function lostKey(
  write: { readonly revision: number; readonly keys: readonly string[] },
  kvs: ReadonlyMap<string, { readonly mod: number; readonly value: string }>,
  replay: Replay,
  revision: number,
): string | undefined {
  for (const key of write.keys) {
    const at = kvs.get(key);
    const change = replay.change(key, write.revision);
    if (at !== undefined && at.mod < write.revision && change?.type === "put")
      return `has ${key} of revision ${at.mod} at the end`;
    if (at !== undefined && at.mod <= write.revision && change?.type === "delete")
      return `has ${key} of revision ${at.mod}, which was deleted`;
    if (at !== undefined && at.mod === write.revision && change?.value !== undefined && change.value !== at.value)
      return `has ${key} = ${JSON.stringify(at.value)} there, not ${JSON.stringify(change.value)}`;
    const last = replay.lastChange(key, revision);
    if (at === undefined && last?.type === "put" && replay.certain(last.mod, revision))
      return `lacks ${key} at the end, which nothing deleted`;
  }
  return undefined;
}
