import type { Random } from "../../../base/mod.ts";
import type { EventType, HistoryEvent, Json } from "../../history/mod.ts";

export type Micro = readonly [kind: "r" | "w" | "append", key: string, value: Json];

/** Transactions one after the other, each by its own process, unless times or processes are given. */
export function transactions(
  ...given: readonly {
    readonly did: readonly Micro[];
    readonly type?: EventType;
    readonly from?: number;
    readonly to?: number;
    readonly process?: number;
  }[]
): HistoryEvent[] {
  const events = given.flatMap(({ did, type = "ok", from, to, process }, i) => {
    const asked = did.map(([kind, key, value]) => [kind, key, kind === "r" ? null : value]);
    const common = { process: process ?? i, f: "txn" };
    return [
      { ...common, time: from ?? 10 * i, type: "invoke" as EventType, value: asked as Json },
      { ...common, time: to ?? 10 * i + 5, type, value: (type === "ok" ? did : asked) as Json },
    ];
  });
  events.sort((a, b) => a.time - b.time);
  return events.map(({ time, ...event }, index) => ({ index, timeNs: time, ...event }));
}

/** All under way at the same time: only what they saw orders them. */
export function concurrent(...given: readonly (readonly Micro[])[]): HistoryEvent[] {
  return transactions(...given.map((did, i) => ({ did, from: i, to: 1000 + i })));
}

/** A strict-serializable history: each transaction happens at one moment between its invocation and its return. */
export function serialHistory(
  random: Random,
  options: {
    kind: "append" | "w";
    transactions: number;
    clients: number;
    keys: number;
    perKey: number;
    crashed?: number;
  },
): HistoryEvent[] {
  const { kind, clients, keys, perKey, crashed = 0 } = options;
  const store = new Map<string, Json>();
  /** Keys in use; each is replaced after so many writes, or lists would grow without end. */
  const active = Array.from({ length: keys }, (_, key) => ({ name: `k${key}`, writes: 0 }));
  let nextKey = keys;
  const process = Array.from({ length: clients }, (_, client) => client);
  const pending: ({ asked: Micro[]; got?: Micro[] } | undefined)[] = process.map(() => undefined);
  const events: HistoryEvent[] = [];
  const record = (client: number, type: EventType, value: Json) =>
    events.push({
      index: events.length,
      timeNs: events.length,
      process: process[client] as number,
      type,
      f: "txn",
      value,
    });
  const ask = (): Micro[] =>
    Array.from({ length: 1 + random.below(4) }, () => {
      const at = random.below(keys);
      const key = active[at] as { name: string; writes: number };
      if (random.below(2) === 0) return ["r", key.name, null];
      key.writes++;
      if (key.writes === perKey) active[at] = { name: `k${nextKey++}`, writes: 0 };
      return [kind, key.name, key.writes];
    });
  const happen = (asked: readonly Micro[]): Micro[] =>
    asked.map(([micro, key, value]) => {
      const before = store.get(key) ?? null;
      if (micro === "r") return [micro, key, before];
      store.set(key, kind === "append" ? [...((before as Json[] | null) ?? []), value] : value);
      return [micro, key, value];
    });
  for (let begun = 0, open = 0; begun < options.transactions || open > 0; ) {
    const client = random.below(clients);
    const op = pending[client];
    if (op === undefined) {
      if (begun === options.transactions) continue;
      const asked = ask();
      pending[client] = { asked };
      record(client, "invoke", asked);
      begun++;
      open++;
    } else if (op.got === undefined && random.below(1000) >= crashed) op.got = happen(op.asked);
    else {
      if (op.got === undefined) {
        if (random.below(2) === 0) happen(op.asked);
        record(client, "info", op.asked);
        process[client] = (process[client] as number) + clients;
      } else record(client, "ok", op.got);
      pending[client] = undefined;
      open--;
    }
  }
  return events;
}
