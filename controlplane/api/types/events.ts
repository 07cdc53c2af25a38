import { always, given, int32, microTime, one, packageOf, required, string, time } from "../schema/dsl.ts";
import type { Infer } from "../schema/field.ts";
import { EventSource } from "./core/event.ts";
import { ObjectReference } from "./core/reference.ts";
import { listOf } from "./meta/list.ts";
import { ObjectMeta } from "./meta/object-meta.ts";

const { kind, message } = packageOf("io.k8s.api.events.v1", "events.k8s.io", "v1");

export const EventSeries = message("EventSeries", {
  count: required(int32(1)),
  lastObservedTime: required(microTime(2)),
});
export interface EventSeries extends Infer<typeof EventSeries> {}

export const Event = kind("Event", "A report that something happened to an object. Kept for a limited time.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  eventTime: required(microTime(2)),
  series: one<EventSeries>(3, EventSeries),
  reportingController: string(4),
  reportingInstance: string(5),
  action: string(6),
  reason: string(7),
  regarding: one<ObjectReference>(8, ObjectReference, always),
  related: one<ObjectReference>(9, ObjectReference),
  note: string(10),
  type: string(11),
  deprecatedSource: one<EventSource>(12, EventSource, always),
  deprecatedFirstTimestamp: time(13),
  deprecatedLastTimestamp: time(14),
  deprecatedCount: int32(15),
});
export interface Event extends Infer<typeof Event> {}

export const EventList = listOf<Event>(Event);
export interface EventList extends Infer<typeof EventList> {}
