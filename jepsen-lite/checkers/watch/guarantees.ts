import type { Change, Replay } from "../replay/replay.ts";
import { inRange } from "../replay/store-operations.ts";
import type { Watch, WatchEvent } from "./watch.ts";

/** What a watch broke, in words. */
export type Guarantee = (watch: Watch, replay: Replay, compactions: Compactions) => Generator<string>;

/** What was asked to be compacted, so may be gone. */
export interface Compactions {
  /** Whether revision `revision` may have been compacted away, by then. */
  mayHaveDropped(revision: number): boolean;
}

/**
 * The guarantees of etcd's watch API, as its robustness tests name them (etcd-io/etcd: tests/robustness/validate/watch.go; etcd.io: docs/learning/api_guarantees).
 * Each is judged alone: one fault may break several.
 */
export const guarantees = {
  ordered,
  unique,
  atomic,
  reliable,
  resumable,
  bookmarkable,
  filter,
  prevKV,
  isCreate,
} satisfies Readonly<Record<string, Guarantee>>;

/** Revisions never go back. */
function* ordered({ responses }: Watch): Generator<string> {
  let last = 0;
  for (const { events, revision } of responses) {
    for (const event of events) {
      if (event.mod < last) yield `${say(event)} came after an event of revision ${last}`;
      last = Math.max(last, event.mod);
    }
    const end = events.at(-1);
    if (end !== undefined && revision < end.mod) yield `a response of revision ${revision} carries ${say(end)}`;
  }
}

/** No event comes twice. */
function* unique({ responses }: Watch): Generator<string> {
  const seen = new Set<string>();
  for (const { events } of responses) {
    for (const event of events) {
      const place = `${event.mod}/${event.key}`;
      if (seen.has(place)) yield `${say(event)} came twice`;
      seen.add(place);
    }
  }
}

/** The events of a revision come in one response; in several only when these are marked as fragments. */
function* atomic({ responses }: Watch): Generator<string> {
  const finished = new Set<number>();
  let last = -1;
  let continues = false;
  for (const { events, fragment } of responses) {
    if (events.length === 0) continue;
    for (const { mod } of events)
      if (finished.has(mod) && !(continues && mod === last)) {
        yield `revision ${mod} was split over several responses`;
        break;
      }
    for (const { mod } of events) finished.add(mod);
    last = (events[events.length - 1] as WatchEvent).mod;
    continues = fragment;
  }
}

/** Nothing is missing between the first event and the last. */
function* reliable(watch: Watch, replay: Replay): Generator<string> {
  const first = watch.responses.find(({ events }) => events.length > 0)?.events[0];
  if (first === undefined) return;
  for (const change of missing(watch, replay, first.mod, lastRevision(watch)))
    yield `${say(change)} (seen by operation ${change.operation}) was left out`;
}

/** It begins where it was asked to. */
function* resumable(watch: Watch, replay: Replay, compactions: Compactions): Generator<string> {
  const from = startOf(watch);
  if (from === undefined) return;
  for (const { events } of watch.responses)
    for (const event of events)
      if (event.mod < from) yield `${say(event)} is from before revision ${from}, where it was to begin`;
  const first = watch.responses.find(({ events }) => events.length > 0)?.events[0];
  const end = first === undefined ? lastRevision(watch) : first.mod - 1;
  for (const change of missing(watch, replay, from, end)) {
    if (compactions.mayHaveDropped(change.mod) && watch.responses.some(({ canceled }) => canceled)) continue;
    yield `${say(change)} (seen by operation ${change.operation}) was left out at its beginning, which was to be revision ${from}`;
  }
}

/** Once progress to a revision was announced, everything up to it has been sent. */
function* bookmarkable(watch: Watch, replay: Replay): Generator<string> {
  const from = startOf(watch);
  const sent = new Set<string>();
  let announced = 0;
  for (const { events, progress, revision } of watch.responses) {
    for (const event of events) {
      if (event.mod <= announced) yield `${say(event)} came after progress to revision ${announced} was announced`;
      sent.add(`${event.mod}/${event.key}`);
    }
    if (!progress) continue;
    if (revision < announced) yield `progress to revision ${revision} was announced after progress to ${announced}`;
    if (watch.request.startRevision > revision + 1)
      yield `progress to revision ${revision} was announced, before its beginning at ${watch.request.startRevision}`;
    announced = Math.max(announced, revision);
    if (from === undefined) continue;
    for (const change of wanted(watch, replay, from, revision))
      if (!sent.has(`${change.mod}/${change.key}`))
        yield `progress to revision ${revision} was announced before ${say(change)} came`;
  }
}

/** Only what was asked for. */
function* filter({ request, responses }: Watch): Generator<string> {
  for (const { events } of responses) {
    for (const event of events) {
      if (!inRange(request.range, event.key)) yield `${say(event)} is not in the range that was asked for`;
      if (request.filters.includes(event.type)) yield `${say(event)} is of a type that was filtered out`;
    }
  }
}

/** The previous pair is what the key was right before: at the revision before the event's. */
function* prevKV({ request, responses }: Watch, replay: Replay, compactions: Compactions): Generator<string> {
  for (const { events } of responses) {
    for (const event of events) {
      const { prev } = event;
      if (!request.prevKv) {
        if (prev !== null) yield `${say(event)} has a previous pair that nobody asked for`;
        continue;
      }
      if (prev !== null && (prev.key !== event.key || prev.mod >= event.mod))
        yield `${say(event)} has a previous pair of revision ${prev.mod}`;
      if (prev !== null && event.type === "put" && event.create === event.mod)
        yield `${say(event)} created the key, but has a previous pair`;
      const before = replay.lastChange(event.key, event.mod - 1);
      if (before === undefined || !replay.certain(before.mod, event.mod - 1)) continue;
      if (before.type === "delete" && prev !== null)
        yield `${say(event)} has a previous pair, but the key had been deleted at revision ${before.mod}`;
      if (before.type === "put" && prev === null && !compactions.mayHaveDropped(event.mod - 1))
        yield `${say(event)} has no previous pair, but ${say(before)} was before it`;
      if (before.type === "put" && prev !== null && prev.mod !== before.mod)
        yield `${say(event)} has the previous pair of revision ${prev.mod}, but ${say(before)} was right before it`;
    }
  }
}

/** Creations are told from changes, and versions count. */
function* isCreate({ responses }: Watch, replay: Replay): Generator<string> {
  for (const { events } of responses) {
    for (const event of events) {
      const { create, version, mod } = event;
      if (event.type !== "put" || create === undefined || version === undefined) continue;
      if ((create === mod) !== (version === 1) || create > mod || version < 1)
        yield `${say(event)} says version ${version}, created at ${create}`;
      const before = replay.lastChange(event.key, mod - 1);
      if (before === undefined || !replay.certain(before.mod, mod - 1)) {
        if (before === undefined && create !== mod && replay.certain(1, mod - 1))
          yield `${say(event)} says that the key was created at ${create}, but nothing did`;
        continue;
      }
      if ((create === mod) !== (before.type === "delete"))
        yield `${say(event)} ${create === mod ? "is told as a creation" : "is not told as a creation"}, but ${say(before)} was right before it`;
      else if (before.create !== undefined && before.type === "put" && create !== before.create)
        yield `${say(event)} says created at ${create}, but ${say(before)} said ${before.create}`;
      else if (before.version !== undefined && before.type === "put" && version !== before.version + 1)
        yield `${say(event)} is version ${version}, but ${say(before)} was version ${before.version}`;
    }
  }
}

/** The first revision that the watch has to tell of; undefined when nothing says so. */
function startOf({ request, responses }: Watch): number | undefined {
  if (request.startRevision > 0) return request.startRevision;
  const created = responses.find((response) => response.created);
  return created === undefined ? undefined : created.revision + 1;
}

/** Up to here the watch claims to have told everything. */
function lastRevision({ responses }: Watch): number {
  let last = 0;
  for (const { events, progress, revision, fragment } of responses) {
    // Of a revision that stopped in the middle of its fragments, the rest is still to come.
    const end = events.at(-1);
    if (end !== undefined) last = Math.max(last, fragment ? end.mod - 1 : end.mod);
    if (progress) last = Math.max(last, revision);
  }
  return last;
}

/** Known changes that the watch is to tell of. */
function* wanted({ request }: Watch, replay: Replay, from: number, to: number): Generator<Change> {
  for (const key of replay.keysIn(request.range))
    for (const change of replay.changesOf(key))
      if (change.mod >= from && change.mod <= to && !request.filters.includes(change.type)) yield change;
}

function* missing(watch: Watch, replay: Replay, from: number, to: number): Generator<Change> {
  if (to < from) return;
  const told = new Set<string>();
  for (const { events } of watch.responses) for (const { mod, key } of events) told.add(`${mod}/${key}`);
  for (const change of wanted(watch, replay, from, to)) if (!told.has(`${change.mod}/${change.key}`)) yield change;
}

function say({ type, key, mod }: { readonly type: string; readonly key: string; readonly mod: number }): string {
  return `the ${type} of ${key} at revision ${mod}`;
}
