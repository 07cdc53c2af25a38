import type { StoreEvent } from "../event.ts";
import type { Store } from "../store.ts";

/** Events read in one round, as a rule: about 2 ms of work. */
const eventsPerRound = 1000;

export interface CatchUp {
  /** Whole revisions, in order. */
  readonly events: readonly StoreEvent[];
  /** The first revision that was not read. */
  readonly nextRevision: number;
}

/** Reads the history from revision `from` on: from memory if it is there, in this turn and up to the newest revision if
 * that is not too much; else from the disk. */
export async function readCatchUp(history: Store["history"], from: number, newest: () => number): Promise<CatchUp> {
  const { recentFrom } = history;
  if (from >= recentFrom) return wholeRevisions(history.recent(from), newest() + 1);
  const events: StoreEvent[] = [];
  for await (const run of history.read(from, recentFrom, eventsPerRound)) {
    for (const event of run) events.push(event);
    // One revision alone may be longer than a round.
    if (events.length >= eventsPerRound && events.at(-1)?.main !== events[0]?.main)
      return wholeRevisions(events, undefined);
  }
  return { events, nextRevision: recentFrom };
}

/** The whole revisions among the first events. `next` follows the last event; undefined if its revision may go on. */
function wholeRevisions(events: readonly StoreEvent[], next: number | undefined): CatchUp {
  if (next !== undefined && events.length <= eventsPerRound) return { events, nextRevision: next };
  let end = Math.min(eventsPerRound, events.length);
  const cut = (events[end] ?? (events[end - 1] as StoreEvent)).main;
  while (end > 0 && (events[end - 1] as StoreEvent).main === cut) end--;
  if (end > 0) return { events: events.slice(0, end), nextRevision: cut };
  // The first revision alone fills the round.
  while (end < events.length && (events[end] as StoreEvent).main === cut) end++;
  return { events: events.slice(0, end), nextRevision: cut + 1 };
}
