import type { Random } from "../../../base/mod.ts";
import type { EventType, HistoryEvent, Json } from "../../history/mod.ts";

/** One operation of a history written by hand: when it was under way, on which register, and what came of it. */
export interface Small {
  readonly from: number;
  /** Infinity for a crashed one. */
  readonly to: number;
  readonly f: "read" | "write" | "cas";
  readonly input: { readonly [name: string]: Json };
  readonly output: { readonly [name: string]: Json };
}

/** Each operation by its own process, times as they are. */
export function historyOf(operations: readonly Small[]): HistoryEvent[] {
  const events = operations.flatMap(({ from, to, f, input, output }, process) => {
    const invoke = { time: from, process, type: "invoke" as EventType, f, value: input };
    return to === Infinity ? [invoke] : [invoke, { time: to, process, type: "ok" as EventType, f, value: output }];
  });
  events.sort((a, b) => a.time - b.time);
  return events.map(({ time, process, type, f, value }, index) => ({ index, timeNs: time, process, type, f, value }));
}

/**
 * The definition of linearizability, word for word, for a versioned register: is there an order of all completed operations and some of the crashed ones, which
 * no operation enters before one that had returned when it was invoked, in which each has the result that a register gives? Every order is tried; nothing is
 * remembered or left out. It shares no line with what it judges.
 */
export function isLinearizable(operations: readonly Small[]): boolean {
  const used = operations.map(() => false);
  const extend = (value: Json, version: number): boolean => {
    if (operations.every((operation, i) => used[i] || operation.to === Infinity)) return true;
    const earliest = Math.min(...operations.map((operation, i) => (used[i] ? Infinity : operation.to)));
    for (let i = 0; i < operations.length; i++) {
      const operation = operations[i] as Small;
      if (used[i] || operation.from > earliest) continue;
      const after = apply(operation, value, version);
      if (after === undefined) continue;
      used[i] = true;
      const found = extend(after.value, after.version);
      used[i] = false;
      if (found) return true;
    }
    return false;
  };
  return extend(null, 0);
}

function apply(
  { f, input, output, to }: Small,
  value: Json,
  version: number,
): { value: Json; version: number } | undefined {
  const known = to !== Infinity;
  const saidVersion = known ? output.version : undefined;
  if (f === "read") {
    if (known && output.value !== value) return undefined;
    return saidVersion === undefined || saidVersion === version ? { value, version } : undefined;
  }
  if (f === "cas" && known && output.succeeded === false) return input.from === value ? undefined : { value, version };
  if (f === "cas" && input.from !== value) return undefined;
  if (saidVersion !== undefined && saidVersion !== version + 1) return undefined;
  return { value: (f === "cas" ? input.to : input.value) as Json, version: version + 1 };
}

/**
 * A random history of up to `most` operations. Most are made by a register that takes each at a moment while it is under way; then, half of the time, one
 * result is changed a little: that is where legal and illegal are close together.
 */
export function randomHistory(random: Random, most: number): Small[] {
  const count = 1 + random.below(most);
  const values = 1 + random.below(3);
  const versions = random.below(3); // 0 none, 1 all, 2 some
  // Each value written once, where the register says no versions: what was overwritten does not come back.
  const isUnique = versions === 0 && random.below(2) === 0;
  let fresh = 0;
  const written = () => (isUnique ? fresh++ : random.below(values));
  const expected = () => (isUnique ? random.below(fresh + 1) : random.below(values));
  const spread = 2 + random.below(3 * count);
  const moments = Array.from({ length: 3 * count }, (_, i) => i);
  for (let i = moments.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [moments[i], moments[j]] = [moments[j] as number, moments[i] as number];
  }
  const plans = Array.from({ length: count }, (_, i) => {
    const at = 4 * (moments[i] as number);
    return { at, i, from: at - 1 - random.below(4 * spread), to: at + 1 + random.below(4 * spread) };
  }).sort((a, b) => a.at - b.at);
  let value: Json = null;
  let version = 0;
  const operations: Small[] = [];
  for (const plan of plans) {
    const f = (["read", "write", "cas"] as const)[random.below(3)] as Small["f"];
    const crashed = random.below(5) === 0;
    const from = distinct(plan.from, plan.i, 0, count);
    const to = crashed ? Infinity : distinct(plan.to, plan.i, 1, count);
    const says = versions === 1 || (versions === 2 && random.below(2) === 0);
    const happens = !crashed || random.below(2) === 0;
    const key = "x";
    if (f === "read") {
      operations.push({ from, to, f, input: { key }, output: { key, value, ...(says ? { version } : {}) } });
      continue;
    }
    if (f === "write") {
      const input: { key: string; value: Json } = { key, value: written() };
      if (happens) {
        value = input.value;
        version++;
      }
      operations.push({ from, to, f, input, output: { ...input, ...(says ? { version } : {}) } });
      continue;
    }
    const input: { key: string; from: Json; to: Json } = { key, from: expected(), to: written() };
    const succeeded = input.from === value;
    if (succeeded && happens) {
      value = input.to;
      version++;
    }
    const output = { ...input, succeeded, ...(says && succeeded ? { version } : {}) };
    operations.push({ from, to, f, input, output });
  }
  if (random.below(2) === 0) disturb(operations, random, isUnique ? fresh + 1 : values);
  return operations;
}

/** No two events at the same time: the order of a history is total. */
function distinct(time: number, i: number, end: 0 | 1, count: number): number {
  return time + (2 * i + end) / (2 * count + 1);
}

function disturb(operations: Small[], random: Random, values: number): void {
  const at = random.below(operations.length);
  const operation = operations[at] as Small;
  const { output } = operation;
  if (typeof output.version === "number" && random.below(2) === 0)
    operations[at] = {
      ...operation,
      output: { ...output, version: Math.max(0, output.version + random.below(3) - 1) },
    };
  else if (operation.f === "read")
    operations[at] = {
      ...operation,
      output: { ...output, value: random.below(3) === 0 ? null : random.below(values) },
    };
  else if (operation.to !== Infinity) operations[at] = { ...operation, to: operation.from + 0.0001 };
}

/**
 * A legal history of registers by `clients`, each of which is always at something: operations last 1 … 2 × clients operations, and happen at a moment
 * between. `crashed` of a thousand end in info. With `restless`, a client's next operation begins when the last returns, so that as many are under way at all
 * times. No `values` means that each is written once.
 */
export function longHistory(
  random: Random,
  options: {
    operations: number;
    clients: number;
    versions: boolean;
    keys?: number;
    crashed?: number;
    values?: number;
    restless?: boolean;
  },
): HistoryEvent[] {
  const { operations, clients, versions, keys = 1, crashed = 0, values = 5, restless = false } = options;
  type Pending = {
    f: "read" | "write" | "cas";
    key: string;
    input: { [name: string]: Json };
    output?: { [name: string]: Json };
  };
  const registers = new Map<string, { value: Json; version: number }>();
  const process = Array.from({ length: clients }, (_, client) => client);
  const pending: (Pending | undefined)[] = process.map(() => undefined);
  const events: HistoryEvent[] = [];
  const record = (client: number, type: EventType, f: string, value: Json) =>
    events.push({ index: events.length, timeNs: events.length, process: process[client] as number, type, f, value });
  const happen = (op: Pending) => {
    const register = registers.get(op.key) ?? { value: null, version: 0 };
    if (op.f === "write" || (op.f === "cas" && register.value === op.input.from)) {
      register.value = op.input[op.f === "cas" ? "to" : "value"] as Json;
      register.version++;
    } else if (op.f === "cas") {
      op.output = { ...op.input, succeeded: false };
      return;
    }
    registers.set(op.key, register);
    const said: { [name: string]: Json } = versions ? { version: register.version } : {};
    const output: { [name: string]: Json } = { ...op.input, ...said };
    if (op.f === "read") output.value = register.value;
    op.output = output;
  };
  let begun = 0;
  let open = 0;
  let fresh = 0;
  const begin = (client: number) => {
    const key = `k${random.below(keys)}`;
    const f = (["read", "write", "cas"] as const)[random.below(3)] as Pending["f"];
    const isUnique = values === 0;
    const a = isUnique ? (f === "cas" ? (registers.get(key)?.value ?? null) : fresh++) : random.below(values);
    const b = isUnique ? fresh++ : random.below(values);
    const input: { [name: string]: Json } =
      f === "read" ? { key } : f === "write" ? { key, value: a } : { key, from: a, to: b };
    pending[client] = { f, key, input };
    record(client, "invoke", f, input);
    begun++;
    open++;
  };
  while (begun < operations || open > 0) {
    const client = random.below(clients);
    const op = pending[client];
    if (op === undefined) {
      if (begun < operations) begin(client);
    } else if (op.output === undefined && random.below(1000) >= crashed) happen(op);
    else {
      if (op.output !== undefined) record(client, "ok", op.f, op.output);
      else {
        if (random.below(2) === 0) happen(op);
        record(client, "info", op.f, op.input);
        process[client] = (process[client] as number) + clients;
      }
      pending[client] = undefined;
      open--;
      if (restless && begun < operations) begin(client);
    }
  }
  return events;
}
