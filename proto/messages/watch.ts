import { bool, bytes, clampedInt64, embedded, enumeration, int64, oneof, repeated, string } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";
import { ResponseHeader } from "./header.ts";
import { Event } from "./mvcc.ts";

export const FilterType = { NOPUT: 0, NODELETE: 1 } as const;
export type FilterType = (typeof FilterType)[keyof typeof FilterType];

export const WatchCreateRequest = message("etcdserverpb.WatchCreateRequest", {
  key: bytes(1),
  rangeEnd: bytes(2),
  startRevision: clampedInt64(3),
  progressNotify: bool(4),
  filters: repeated(enumeration(5, FilterType)),
  prevKv: bool(6),
  watchId: int64(7),
  fragment: bool(8),
});
export type WatchCreateRequest = Infer<typeof WatchCreateRequest>;

export const WatchCancelRequest = message("etcdserverpb.WatchCancelRequest", { watchId: int64(1) });
export type WatchCancelRequest = Infer<typeof WatchCancelRequest>;

export const WatchProgressRequest = message("etcdserverpb.WatchProgressRequest", {});
export type WatchProgressRequest = Infer<typeof WatchProgressRequest>;

export const WatchRequest = message("etcdserverpb.WatchRequest", {
  ...oneof({
    createRequest: embedded(1, () => WatchCreateRequest),
    cancelRequest: embedded(2, () => WatchCancelRequest),
    progressRequest: embedded(3, () => WatchProgressRequest),
  }),
});
export type WatchRequest = Infer<typeof WatchRequest>;

export const WatchResponse = message("etcdserverpb.WatchResponse", {
  header: embedded(1, () => ResponseHeader),
  watchId: int64(2),
  created: bool(3),
  canceled: bool(4),
  compactRevision: int64(5),
  cancelReason: string(6),
  fragment: bool(7),
  events: repeated(embedded(11, () => Event)),
});
export type WatchResponse = Infer<typeof WatchResponse>;
