import { bigInt64, bytes, embedded, enumeration, int64 } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";

export const EventType = { PUT: 0, DELETE: 1 } as const;
export type EventType = (typeof EventType)[keyof typeof EventType];

export const KeyValue = message("mvccpb.KeyValue", {
  key: bytes(1),
  createRevision: int64(2),
  modRevision: int64(3),
  version: int64(4),
  value: bytes(5),
  lease: bigInt64(6),
});
export type KeyValue = Infer<typeof KeyValue>;

export const Event = message("mvccpb.Event", {
  type: enumeration(1, EventType),
  kv: embedded(2, () => KeyValue),
  prevKv: embedded(3, () => KeyValue),
});
export type Event = Infer<typeof Event>;
