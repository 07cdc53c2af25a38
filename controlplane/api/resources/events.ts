import { eventColumns, eventsColumns } from "../printers/events.ts";
import { Event } from "../types/core/event.ts";
import { Event as EventsEvent } from "../types/events.ts";
import { validateEvent } from "../validation/others.ts";
import { resource } from "./resource.ts";

export const events = resource<Event>(Event, {
  plural: "events",
  shortNames: ["ev"],
  scope: "Namespaced",
  hash: "r2yiGXH7wu8=",
  columns: eventColumns,
  strategy: { validate: validateEvent, allowCreateOnUpdate: true },
  selectableFields: {
    "involvedObject.kind": (event) => event.involvedObject.kind ?? "",
    "involvedObject.namespace": (event) => event.involvedObject.namespace ?? "",
    "involvedObject.name": (event) => event.involvedObject.name ?? "",
    "involvedObject.uid": (event) => event.involvedObject.uid ?? "",
    "involvedObject.apiVersion": (event) => event.involvedObject.apiVersion ?? "",
    "involvedObject.resourceVersion": (event) => event.involvedObject.resourceVersion ?? "",
    "involvedObject.fieldPath": (event) => event.involvedObject.fieldPath ?? "",
    reason: (event) => event.reason ?? "",
    reportingComponent: (event) => event.reportingComponent ?? "",
    // Older reporters fill source alone.
    source: (event) => event.source?.component || (event.reportingComponent ?? ""),
    type: (event) => event.type ?? "",
  },
});

/** The form in which all events are stored. */
function toCore({
  regarding,
  note,
  reportingController,
  deprecatedSource,
  deprecatedCount,
  ...event
}: EventsEvent): Event {
  const { deprecatedFirstTimestamp, deprecatedLastTimestamp, ...same } = event;
  return {
    ...same,
    apiVersion: "v1",
    involvedObject: regarding ?? {},
    ...(note !== undefined && { message: note }),
    ...(reportingController !== undefined && { reportingComponent: reportingController }),
    ...(deprecatedSource && { source: deprecatedSource }),
    ...(deprecatedCount !== undefined && { count: deprecatedCount }),
    ...(deprecatedFirstTimestamp !== undefined && { firstTimestamp: deprecatedFirstTimestamp }),
    ...(deprecatedLastTimestamp !== undefined && { lastTimestamp: deprecatedLastTimestamp }),
  };
}

/** The same events under their newer group: other names for the same fields, one store. */
export const eventsEvents = resource<EventsEvent>(EventsEvent, {
  plural: "events",
  shortNames: ["ev"],
  scope: "Namespaced",
  hash: "r2yiGXH7wu8=",
  columns: eventsColumns(toCore),
  strategy: { allowCreateOnUpdate: true },
  selectableFields: {
    "regarding.kind": (event) => event.regarding?.kind ?? "",
    "regarding.namespace": (event) => event.regarding?.namespace ?? "",
    "regarding.name": (event) => event.regarding?.name ?? "",
    "regarding.uid": (event) => event.regarding?.uid ?? "",
    "regarding.apiVersion": (event) => event.regarding?.apiVersion ?? "",
    "regarding.resourceVersion": (event) => event.regarding?.resourceVersion ?? "",
    "regarding.fieldPath": (event) => event.regarding?.fieldPath ?? "",
    reason: (event) => event.reason ?? "",
    reportingController: (event) => event.reportingController ?? "",
    type: (event) => event.type ?? "",
  },
  storedAs: {
    resource: events,
    toStorage: toCore,
    fromStorage: (stored) => {
      const { involvedObject, message, reportingComponent, source, count, ...event } = stored as Event;
      const { firstTimestamp, lastTimestamp, ...same } = event;
      return {
        ...same,
        apiVersion: "events.k8s.io/v1",
        regarding: involvedObject,
        ...(message !== undefined && { note: message }),
        ...(reportingComponent !== undefined && { reportingController: reportingComponent }),
        ...(source && { deprecatedSource: source }),
        ...(count !== undefined && { deprecatedCount: count }),
        ...(firstTimestamp !== undefined && { deprecatedFirstTimestamp: firstTimestamp }),
        ...(lastTimestamp !== undefined && { deprecatedLastTimestamp: lastTimestamp }),
      } as EventsEvent;
    },
  },
});
