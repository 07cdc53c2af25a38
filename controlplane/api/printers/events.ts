import type { Event } from "../types/core/event.ts";
import type { Event as EventsEvent } from "../types/events.ts";
import { age, type Column, column, nameColumn, wide } from "./column.ts";

export const eventColumns: readonly Column<Event>[] = [
  column("Last Seen", "When it last happened.", lastSeen),
  column("Type", "Normal or Warning.", ({ type }) => type ?? ""),
  column("Reason", "Why, in a word.", ({ reason }) => reason ?? ""),
  column("Object", "What it happened to.", ({ involvedObject: { kind, name } }) =>
    name ? `${(kind ?? "").toLowerCase()}/${name}` : (kind ?? "").toLowerCase(),
  ),
  wide(column("Subobject", "Which part of that.", ({ involvedObject }) => involvedObject.fieldPath ?? "")),
  wide(column("Source", "Who reports it.", source)),
  column("Message", "What happened.", ({ message }) => (message ?? "").trim()),
  wide(
    column("First Seen", "When it first happened.", ({ firstTimestamp, eventTime }, now) => {
      return age(firstTimestamp ?? eventTime, now);
    }),
  ),
  wide(column("Count", "How often it happened.", ({ series, count }) => `${series?.count ?? (count || 1)}`)),
  wide(nameColumn),
];

function lastSeen({ series, lastTimestamp, firstTimestamp, eventTime }: Event, now: number): string {
  return age(series?.lastObservedTime ?? lastTimestamp ?? firstTimestamp ?? eventTime, now);
}

function source({ source, reportingComponent, reportingInstance }: Event): string {
  const component = source?.component || (reportingComponent ?? "");
  const instance = source?.host || (reportingInstance ?? "");
  return instance === "" ? component : `${component}, ${instance}`;
}

/** The same rows for the newer group: read through the form the events are stored in. */
export function eventsColumns(toCore: (event: EventsEvent) => Event): readonly Column<EventsEvent>[] {
  return eventColumns.map((core) => ({ ...core, cell: (event, now) => core.cell(toCore(event), now) }));
}
