import { operationsOf } from "../../history/mod.ts";
import { fieldsOf, isFields, listOf, numberOf, textOf, textOfJson } from "../shape.ts";
import { type Anomaly, checker } from "../verdict.ts";

type Nothing = Record<never, never>;

/**
 * Members that are at the same revision, compacted at the same, have the same data. Operations: `hash`, which gets `{ member, revision, compactRevision, hash }`
 * (etcd's HashKV).
 */
export const hashAgreement = checker<Nothing>("hash agreement", (history) => {
  const first = new Map<string, { readonly hash: string; readonly member: string; readonly index: number }>();
  const members = new Set<string>();
  const anomalies: Anomaly[] = [];
  let compared = 0;
  for (const operation of operationsOf(history)) {
    if (operation.f !== "hash" || operation.outcome !== "ok") continue;
    const fields = fieldsOf(operation);
    const member = textOf(operation, fields, "member");
    members.add(member);
    const revision = numberOf(operation, fields, "revision");
    const compacted = numberOf(operation, fields, "compactRevision");
    const hash = textOfJson(fields.hash);
    const place = `${revision}/${compacted}`;
    const other = first.get(place);
    if (other === undefined) first.set(place, { hash, member, index: operation.index });
    else {
      compared++;
      if (other.hash !== hash)
        anomalies.push({
          kind: "different-hash",
          explanation: `At revision ${revision}, compacted at ${compacted}, ${other.member} has the hash ${other.hash} and ${member} ${hash} (operations ${other.index} and ${operation.index}).`,
          operations: [other.index, operation.index],
        });
    }
  }
  return {
    anomalies,
    judged: compared,
    of: "pairs of hashes at the same revision",
    figures: { members: members.size },
  };
});

/**
 * What members have committed is the same entry at each index, without a gap, and terms only grow (Raft §5.3, log matching and state machine safety). Operations:
 * `log`, which gets `{ member, entries: [[index, term, hash of the data], …] }`, committed entries only. Logs that begin late, after a snapshot, are compared
 * where they overlap.
 */
export const logAgreement = checker<Nothing>("log agreement", (history) => {
  const entries = new Map<
    number,
    { readonly term: number; readonly data: string; readonly member: string; readonly operation: number }
  >();
  const anomalies: Anomaly[] = [];
  let compared = 0;
  for (const operation of operationsOf(history)) {
    if (operation.f !== "log" || operation.outcome !== "ok") continue;
    const fields = fieldsOf(operation);
    const member = textOf(operation, fields, "member");
    const report = (kind: string, explanation: string, ...others: number[]) =>
      anomalies.push({ kind, explanation: `${explanation}.`, operations: [operation.index, ...others] });
    let last: readonly [number, number] | undefined;
    for (const entry of listOf(operation, fields, "entries")) {
      const [index, term, data] = entry as unknown as [number, number, unknown];
      if (last !== undefined && index !== last[0] + 1)
        report("log-gap", `${member} has entry ${index} after ${last[0]}`);
      if (last !== undefined && term < last[1])
        report("term-went-back", `${member} has term ${term} at ${index} after term ${last[1]}`);
      last = [index, term];
      const other = entries.get(index);
      const text = String(data);
      if (other === undefined) entries.set(index, { term, data: text, member, operation: operation.index });
      else {
        compared++;
        if (other.term !== term || other.data !== text)
          report(
            "different-entry",
            `At index ${index}, ${other.member} committed term ${other.term}, ${other.data}, but ${member} term ${term}, ${text}`,
            other.operation,
          );
      }
    }
  }
  return { anomalies, judged: compared, of: "entries that two members have" };
});

/**
 * In the end, all members know the same members. Operations: `members`, which gets `{ member, members: [{ id, … }, …] }`; the last of each member that is itself
 * in the last list of anybody counts: who was removed may not know it. Where any asks `{ final: true }`, only these count: who does not answer at the end may know less.
 */
export const membershipAgreement = checker<Nothing>("membership agreement", (history) => {
  const last = new Map<string, { readonly index: number; readonly text: string; readonly ids: readonly string[] }>();
  const asked = operationsOf(history).filter(({ f, outcome }) => f === "members" && outcome === "ok");
  const final = asked.filter(({ input }) => isFields(input) && input.final === true);
  for (const operation of final.length > 0 ? final : asked) {
    const fields = fieldsOf(operation);
    const members = listOf(operation, fields, "members").map((member) => fieldsOf(operation, member));
    const texts = members
      .map((member) => JSON.stringify(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1))))
      .sort();
    const ids = members.map(({ id }) => String(id));
    last.set(textOf(operation, fields, "member"), { index: operation.index, text: texts.join(", "), ids });
  }
  const newest = [...last.values()].sort((a, b) => b.index - a.index)[0];
  const counting = [...last].filter(([member]) => newest?.ids.includes(member));
  const anomalies: Anomaly[] = [];
  for (const [member, { index, text }] of counting) {
    const [reference, other] = counting[0] as (typeof counting)[number];
    if (text === other.text) continue;
    anomalies.push({
      kind: "different-members",
      explanation: `${reference} knows the members ${other.text} (operation ${other.index}), but ${member} ${text} (operation ${index}).`,
      operations: [other.index, index],
    });
  }
  return { anomalies, judged: Math.max(0, counting.length - 1), of: "pairs of members' lists" };
});
