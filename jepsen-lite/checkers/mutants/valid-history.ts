import type { Random } from "../../../base/mod.ts";
import type { HistoryEvent, Json } from "../../history/mod.ts";
import { asJson, CorrectStore, type StoreEvent } from "./correct-store.ts";

/** An operation of a history whose truth is known: when it happened, not only when it was under way. */
export interface Known {
  readonly process: number;
  readonly f: string;
  readonly input: Json;
  readonly output: Json;
  readonly type: "ok" | "fail" | "info";
  readonly errorClass?: string;
  /** Positions in the history; fractions stand between events. */
  readonly from: number;
  readonly to: number;
  /** When it took effect; undefined when it never did. */
  readonly moment: number | undefined;
  /** It changed the store. */
  readonly effective: boolean;
}

type Fields = { readonly [name: string]: Json };

const keys = ["a", "b", "c", "d"];
const everything = { key: "\0", end: "\0" };

/**
 * A valid history of a store with everything in it: puts, deletes, guarded transactions, reads (linearizable, of the past, stale), leases, a compaction, watches with
 * and without previous pairs, crashes, and at the end a read of everything and a dump of each of three members.
 */
export function validHistory(random: Random, operations = 60, clients = 5): readonly Known[] {
  const store = new CorrectStore();
  const done: Known[] = [];
  const process = Array.from({ length: clients }, (_, client) => client);
  type Pending = {
    f: string;
    input: Fields;
    from: number;
    output?: Json;
    moment?: number;
    effective?: boolean;
    refused?: boolean;
  };
  const pending: (Pending | undefined)[] = process.map(() => undefined);
  let position = 0;
  const happen = (op: Pending) => {
    const before = store.revision;
    op.moment = position - 0.5;
    const stale = op.input.serializable === true;
    const at = stale ? Math.max(store.compacted, 1, store.revision - random.below(3)) : store.revision;
    if (stale)
      op.output = {
        revision: at,
        kvs: store.pairsAt(at, { key: op.input.key as string, end: op.input.end as string | undefined }).map(asJson),
      };
    else op.output = store.apply(op.f, op.input);
    op.refused = op.output === undefined;
    op.effective = store.revision !== before || op.f.startsWith("lease") || op.f === "compact";
  };
  for (let begun = 0, open = 0; begun < operations || open > 0; ) {
    const client = random.below(clients);
    const op = pending[client];
    if (op === undefined) {
      if (begun === operations) continue;
      pending[client] = { ...request(random, store, begun++), from: position++ };
      open++;
      continue;
    }
    const crashes = random.below(40) === 0;
    if (op.moment === undefined && !crashes) {
      happen(op);
      continue;
    }
    if (op.moment === undefined && random.below(2) === 0) happen(op);
    const known = { process: process[client] as number, f: op.f, input: op.input, from: op.from, to: position++ };
    if (crashes) {
      process[client] = (process[client] as number) + clients;
      const moment = op.refused ? undefined : op.moment;
      done.push({
        ...known,
        output: op.input,
        type: "info",
        errorClass: "Unavailable",
        moment,
        effective: op.effective === true && moment !== undefined,
      });
    } else if (op.refused) {
      const errorClass = op.f === "range" ? "Compacted" : "Refused";
      done.push({ ...known, output: op.input, type: "fail", errorClass, moment: undefined, effective: false });
    } else
      done.push({
        ...known,
        output: op.output as Json,
        type: "ok",
        moment: op.moment,
        effective: op.effective === true,
      });
    pending[client] = undefined;
    open--;
  }
  const last = 1000 * clients;
  const end = (f: string, input: Json, output: Json) => {
    const from = position++;
    const to = position++;
    done.push({ process: last, f, input, output, type: "ok", from, to, moment: to - 0.5, effective: false });
  };
  const atEnd = { revision: store.revision, kvs: store.pairsAt(store.revision, everything).map(asJson) };
  end("range", everything, { ...atEnd, count: atEnd.kvs.length, more: false });
  for (const member of ["m1", "m2", "m3"]) end("dump", { member }, { member, ...atEnd });
  for (let watcher = 0; watcher < 3; watcher++)
    done.push({ ...watch(random, store, watcher), process: last + 1 + watcher, from: -1 - watcher, to: position++ });
  return done;
}

function request(random: Random, store: CorrectStore, number: number): { f: string; input: Fields } {
  const key = keys[random.below(keys.length)] as string;
  const value = `v${number}`;
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return { f: "put", input: { key, value } };
    case 4:
      return { f: "delete", input: { key } };
    case 5:
    case 6: {
      const guard = store.pairsAt(store.revision, { key, end: undefined })[0]?.mod ?? 0;
      const other = keys[(keys.indexOf(key) + 1) % keys.length] as string;
      const success = [
        { f: "put", key, value },
        { f: "put", key: other, value: `${value}x` },
      ];
      return {
        f: "kv-txn",
        input: {
          compare: [{ key, target: "mod", result: "=", value: guard }],
          success,
          failure: [{ f: "range", key }],
        },
      };
    }
    case 7:
      return { f: "range", input: { ...everything, serializable: true } };
    case 8:
      return { f: "range", input: { ...everything, revision: Math.max(1, store.revision - random.below(4)) } };
    case 9:
      return number % 3 === 0
        ? { f: "compact", input: { revision: Math.max(1, store.revision - 3) } }
        : { f: "range", input: { ...everything, limit: 2 } };
    case 10:
      return { f: "lease-grant", input: { id: `l${number}`, ttl: 1000 } };
    case 11:
      return { f: "put", input: { key, value, lease: `l${number - 1 - random.below(6)}` } };
    case 12:
      return { f: "lease-revoke", input: { id: `l${number - 1 - random.below(8)}` } };
    default:
      return { f: "range", input: { key } };
  }
}

/** All that a watch of everything, or of one key, had to tell until the end, in responses of some revisions each. */
function watch(random: Random, store: CorrectStore, watcher: number): Omit<Known, "process" | "from" | "to"> {
  const prevKv = watcher === 1;
  const range = watcher === 2 ? { key: "b", end: undefined } : everything;
  const startRevision = watcher === 0 ? 2 : 2 + random.below(3);
  const responses: Json[] = [{ revision: 1, created: true, events: [] }];
  let events: Json[] = [];
  for (let revision = startRevision; revision <= store.revision; revision++) {
    const ofRevision = (store.log[revision - 2] as StoreEvent[]).filter(
      ({ kv }) => range.end !== undefined || kv.key === range.key,
    );
    events.push(...ofRevision.map((event) => eventJson(event, prevKv)));
    if (events.length > 0 && random.below(2) === 0) {
      responses.push({ revision, events });
      events = [];
    }
    if (events.length === 0 && random.below(6) === 0) responses.push({ revision, progress: true, events: [] });
  }
  if (events.length > 0) responses.push({ revision: store.revision, events });
  responses.push({ revision: store.revision, progress: true, events: [] });
  const input: Json = { key: range.key, end: range.end ?? null, startRevision, prevKv };
  return { f: "watch", input, output: { responses }, type: "ok", moment: undefined, effective: false };
}

function eventJson({ type, kv, prev }: StoreEvent, prevKv: boolean): Json {
  const old: Fields = prevKv && prev !== undefined ? { prev: asJson(prev) } : {};
  return type === "put" ? { type, ...(asJson(kv) as Fields), ...old } : { type, key: kv.key, mod: kv.mod, ...old };
}

/** The history that such operations leave. */
export function eventsOf(operations: readonly Known[]): HistoryEvent[] {
  const events = operations.flatMap(({ process, f, input, output, type, errorClass, from, to }) => [
    { at: from, process, f, type: "invoke" as const, value: input },
    {
      at: to,
      process,
      f,
      type,
      value: output,
      ...(errorClass === undefined ? {} : { error: { class: errorClass, text: "" } }),
    },
  ]);
  events.sort((a, b) => a.at - b.at);
  return events.map(({ at: _, ...event }, index) => ({ index, timeNs: index * 1000, ...event }));
}
