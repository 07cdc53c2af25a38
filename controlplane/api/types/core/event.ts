import { always, given, int32, microTime, one, packageOf, required, string, time } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";
import { ObjectReference } from "./reference.ts";

const { kind, message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const EventSeries = message("EventSeries", {
  count: int32(1),
  lastObservedTime: microTime(2),
});
export interface EventSeries extends Infer<typeof EventSeries> {}

export const EventSource = message("EventSource", {
  component: string(1),
  host: string(2),
});
export interface EventSource extends Infer<typeof EventSource> {}

export const Event = kind("Event", "A report that something happened to an object. Kept for a limited time.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  involvedObject: required(one<ObjectReference>(2, ObjectReference, always)),
  reason: string(3),
  message: string(4),
  source: one<EventSource>(5, EventSource, always),
  firstTimestamp: time(6),
  lastTimestamp: time(7),
  count: int32(8),
  type: string(9),
  eventTime: microTime(10),
  series: one<EventSeries>(11, EventSeries),
  action: string(12),
  related: one<ObjectReference>(13, ObjectReference),
  reportingComponent: string(14),
  reportingInstance: string(15),
});
export interface Event extends Infer<typeof Event> {}

export const EventList = listOf<Event>(Event);
export interface EventList extends Infer<typeof EventList> {}
