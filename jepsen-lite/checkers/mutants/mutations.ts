import type { Random } from "../../../base/mod.ts";
import type { Json } from "../../history/mod.ts";
import type { Known } from "./valid-history.ts";

export interface Mutant {
  readonly operations: readonly Known[];
  /** Why this history is legal all the same; a checker that accepts it is right. */
  readonly equivalent?: string;
}

/** Undefined when the history has nothing that could be changed so. */
export type Mutation = (operations: readonly Known[], random: Random) => Mutant | undefined;

type Fields = { readonly [name: string]: Json };

/** Ways in which a store, or a harness, may lie: each makes one change in a valid history. */
export const mutations: Readonly<Record<string, Mutation>> = {
  "drop an acknowledged write": (operations, random) => {
    const at = pick(operations, random, ({ type, effective, f }) => type === "ok" && effective && isWrite(f));
    return at === undefined ? undefined : { operations: operations.filter((_, i) => i !== at) };
  },

  "swap the results of two reads": (operations, random) => {
    const differs = (a: Known) => (b: Known) =>
      isPlainRead(b) && same(a.input, b.input) && JSON.stringify(a.output) !== JSON.stringify(b.output);
    const one = pick(operations, random, (known) => isPlainRead(known) && operations.some(differs(known)));
    if (one === undefined) return undefined;
    const a = operations[one] as Known;
    const other = pick(operations, random, differs(a)) as number;
    const b = operations[other] as Known;
    const mutant = replace(replace(operations, one, { ...a, output: b.output }), other, { ...b, output: a.output });
    return {
      operations: mutant,
      equivalent: during(a, b) && during(b, a) ? "each was under way when the other happened" : undefined,
    };
  },

  "move a return to before it happened": (operations, random) => {
    const at = pick(
      operations,
      random,
      ({ type, moment, from, f }) => type === "ok" && isStoreOperation(f) && moment !== undefined && moment - from > 1,
    );
    if (at === undefined) return undefined;
    const known = operations[at] as Known;
    const to = known.from + 0.25 + random.below(Math.floor((known.moment as number) - known.from));
    const between = operations.some(
      (other) =>
        other !== known &&
        other.moment !== undefined &&
        other.moment > to - 0.5 &&
        other.moment < (known.moment as number) &&
        (other.effective || known.effective),
    );
    const equivalent = between || stale(known) ? undefined : "nothing happened between that moment and its own";
    return {
      operations: replace(operations, at, { ...known, to }),
      equivalent: stale(known) ? "a stale read may be of any time" : equivalent,
    };
  },

  "shift an answer's revision": (operations, random) => {
    // A read of one key may be just as right at the next revision; one of everything never is.
    const readsAll = (known: Known) => isPlainRead(known) && same(Object.keys(known.input as Fields), ["key", "end"]);
    const at = pick(
      operations,
      random,
      (known) => known.type === "ok" && ((isWrite(known.f) && known.effective) || readsAll(known)),
    );
    if (at === undefined) return undefined;
    const known = operations[at] as Known;
    const output = known.output as Fields;
    const revision = (output.revision as number) + (random.below(2) === 0 ? 1 : -1);
    return { operations: replace(operations, at, { ...known, output: { ...output, revision } }) };
  },

  "say fail of what may have happened": (operations, random) => {
    const at = pick(operations, random, ({ type, f }) => type === "info" && isWrite(f));
    if (at === undefined) return undefined;
    const known = operations[at] as Known;
    const mutant = replace(operations, at, { ...known, type: "fail", errorClass: "Refused" });
    return { operations: mutant, equivalent: known.effective ? undefined : "it had not happened" };
  },

  "say fail of what happened": (operations, random) => {
    const at = pick(operations, random, ({ type, f, effective }) => type === "ok" && isWrite(f) && effective);
    if (at === undefined) return undefined;
    const known = operations[at] as Known;
    return {
      operations: replace(operations, at, { ...known, type: "fail", output: known.input, errorClass: "Refused" }),
    };
  },

  "read a value that was never there": (operations, random) =>
    changeRead(operations, random, (kv) => ({ ...kv, value: `${kv.value}?` })),

  "read a pair at another revision": (operations, random) =>
    changeRead(operations, random, (kv) => ({ ...kv, mod: (kv.mod as number) + (random.below(2) === 0 ? 1 : -1) })),

  "leave a key out of a read": (operations, random) => {
    const at = pick(operations, random, (known) => isPlainRead(known) && pairsOf(known).length > 0);
    if (at === undefined) return undefined;
    const known = operations[at] as Known;
    const kvs = pairsOf(known);
    const gone = random.below(kvs.length);
    const output = { ...(known.output as Fields), kvs: kvs.filter((_, i) => i !== gone) };
    return { operations: replace(operations, at, { ...known, output }) };
  },

  "lose a key of a member": (operations, random) => {
    const at = pick(operations, random, (known) => known.f === "dump" && pairsOf(known).length > 0);
    if (at === undefined) return undefined;
    const known = operations[at] as Known;
    const gone = random.below(pairsOf(known).length);
    const output = { ...(known.output as Fields), kvs: pairsOf(known).filter((_, i) => i !== gone) };
    return { operations: replace(operations, at, { ...known, output }) };
  },

  "omit an event of a watch": (operations, random) =>
    changeWatch(operations, random, (responses, response, event) => {
      const events = eventsOf(responses[response] as Fields).filter((_, i) => i !== event);
      return replace(responses, response, { ...(responses[response] as Fields), events });
    }),

  "tell an event of a watch twice": (operations, random) =>
    changeWatch(operations, random, (responses, response, event) => {
      const again = {
        ...(responses[response] as Fields),
        events: [eventsOf(responses[response] as Fields)[event] as Json],
      };
      const at = response + 1 + random.below(responses.length - response);
      return [...responses.slice(0, at), again, ...responses.slice(at)];
    }),

  "split a revision of a watch": (operations, random) => {
    const splits = (known: Known) =>
      responsesOf(known).flatMap((response, r) =>
        eventsOf(response).flatMap((event, e, all) =>
          e > 0 && (all[e - 1] as Fields).mod === event.mod ? [{ r, e }] : [],
        ),
      );
    const at = pick(operations, random, (known) => known.f === "watch" && splits(known).length > 0);
    if (at === undefined) return undefined;
    const known = operations[at] as Known;
    const all = splits(known);
    const { r, e } = all[random.below(all.length)] as { r: number; e: number };
    const responses = responsesOf(known);
    const events = eventsOf(responses[r] as Fields);
    const first = { ...(responses[r] as Fields), events: events.slice(0, e) };
    const second = { ...(responses[r] as Fields), events: events.slice(e) };
    return {
      operations: replace(operations, at, {
        ...known,
        output: { responses: [...responses.slice(0, r), first, second, ...responses.slice(r + 1)] },
      }),
    };
  },

  "swap two responses of a watch": (operations, random) => {
    const withEvents = (known: Known) =>
      responsesOf(known).flatMap((response, r) => (eventsOf(response).length > 0 ? [r] : []));
    const at = pick(operations, random, (known) => known.f === "watch" && withEvents(known).length > 1);
    if (at === undefined) return undefined;
    const known = operations[at] as Known;
    const places = withEvents(known);
    const first = random.below(places.length - 1);
    const [a, b] = [places[first] as number, places[first + 1] as number];
    const responses = responsesOf(known);
    const swapped = replace(replace(responses, a, responses[b] as Fields), b, responses[a] as Fields);
    return { operations: replace(operations, at, { ...known, output: { responses: swapped } }) };
  },

  "shift the revision of an event": (operations, random) =>
    changeEvent(operations, random, (event) => ({
      ...event,
      mod: (event.mod as number) + (random.below(2) === 0 ? 1 : -1),
    })),

  "tell another value in a watch": (operations, random) =>
    changeEvent(operations, random, (event) =>
      event.type === "put" ? { ...event, value: `${event.value}?` } : undefined,
    ),

  "tell a delete for a put": (operations, random) =>
    changeEvent(operations, random, (event) =>
      event.type === "put" ? { type: "delete", key: event.key as Json, mod: event.mod as Json } : undefined,
    ),

  "leave out a previous pair": (operations, random) => {
    const compacted = Math.max(
      0,
      ...operations
        .filter(({ f, moment }) => f === "compact" && moment !== undefined)
        .map(({ input }) => (input as Fields).revision as number),
    );
    // What was compacted away has no previous pair, and need not have.
    return changeEvent(operations, random, (event) =>
      event.prev === undefined || (event.mod as number) <= compacted ? undefined : { ...event, prev: null },
    );
  },

  "tell a creation for a change": (operations, random) =>
    changeEvent(operations, random, (event) =>
      event.type === "put" && event.version !== 1 ? { ...event, version: 1, create: event.mod as Json } : undefined,
    ),

  "announce progress too early": (operations, random) =>
    changeWatch(operations, random, (responses, response, event) => {
      const { mod } = eventsOf(responses[response] as Fields)[event] as Fields;
      const bookmark = { revision: mod as Json, progress: true, events: [] };
      return [...responses.slice(0, response), bookmark, ...responses.slice(response)];
    }),
};

function isStoreOperation(f: string): boolean {
  return f === "range" || isWrite(f);
}

function isWrite(f: string): boolean {
  return f === "put" || f === "delete" || f === "kv-txn";
}

function stale({ input }: Known): boolean {
  return (input as Fields).serializable === true;
}

/** A read that says what is there now. */
function isPlainRead(known: Known): boolean {
  return known.type === "ok" && known.f === "range" && !stale(known);
}

function pairsOf({ output }: Known): readonly Fields[] {
  return ((output as Fields).kvs ?? []) as readonly Fields[];
}

function responsesOf({ output }: Known): readonly Fields[] {
  return ((output as Fields).responses ?? []) as readonly Fields[];
}

function eventsOf({ events }: Fields): readonly Fields[] {
  return (events ?? []) as readonly Fields[];
}

function same(a: Json, b: Json): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function during(a: Known, b: Known): boolean {
  return (b.moment as number) > a.from && (b.moment as number) < a.to;
}

/** Place of a random one of those that fit. */
function pick(operations: readonly Known[], random: Random, fits: (known: Known) => boolean): number | undefined {
  const places = operations.flatMap((known, i) => (fits(known) ? [i] : []));
  return places.length === 0 ? undefined : places[random.below(places.length)];
}

function replace<T>(list: readonly T[], at: number, by: T): T[] {
  return list.map((one, i) => (i === at ? by : one));
}

function changeRead(operations: readonly Known[], random: Random, change: (kv: Fields) => Fields): Mutant | undefined {
  const at = pick(
    operations,
    random,
    (known) => known.type === "ok" && known.f === "range" && pairsOf(known).length > 0,
  );
  if (at === undefined) return undefined;
  const known = operations[at] as Known;
  const kvs = pairsOf(known);
  const place = random.below(kvs.length);
  const output = { ...(known.output as Fields), kvs: replace(kvs, place, change(kvs[place] as Fields)) };
  return { operations: replace(operations, at, { ...known, output }) };
}

function changeWatch(
  operations: readonly Known[],
  random: Random,
  change: (responses: readonly Fields[], response: number, event: number) => readonly Fields[],
): Mutant | undefined {
  const at = pick(operations, random, (known) => responsesOf(known).some((response) => eventsOf(response).length > 0));
  if (at === undefined) return undefined;
  const known = operations[at] as Known;
  const responses = responsesOf(known);
  const places = responses.flatMap((response, r) => eventsOf(response).map((_, e) => ({ r, e })));
  const { r, e } = places[random.below(places.length)] as { r: number; e: number };
  return { operations: replace(operations, at, { ...known, output: { responses: change(responses, r, e) } }) };
}

function changeEvent(
  operations: readonly Known[],
  random: Random,
  change: (event: Fields) => Fields | undefined,
): Mutant | undefined {
  const changes = (known: Known) =>
    responsesOf(known).flatMap((response, r) =>
      eventsOf(response).flatMap((event, e) => (change(event) === undefined ? [] : [{ r, e }])),
    );
  const at = pick(operations, random, (known) => known.f === "watch" && changes(known).length > 0);
  if (at === undefined) return undefined;
  const known = operations[at] as Known;
  const places = changes(known);
  const { r, e } = places[random.below(places.length)] as { r: number; e: number };
  const responses = responsesOf(known);
  const response = responses[r] as Fields;
  const events = eventsOf(response);
  const changed = { ...response, events: replace(events, e, change(events[e] as Fields) as Fields) };
  return { operations: replace(operations, at, { ...known, output: { responses: replace(responses, r, changed) } }) };
}
