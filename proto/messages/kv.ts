import { bigInt64, bool, bytes, clampedInt64, embedded, enumeration, int64, oneof, repeated } from "../wire/field.ts";
import { type Infer, type MessageSchema, message, recursiveMessage } from "../wire/message.ts";
import { ResponseHeader } from "./header.ts";
import { KeyValue } from "./mvcc.ts";

export const SortOrder = { NONE: 0, ASCEND: 1, DESCEND: 2 } as const;
export type SortOrder = (typeof SortOrder)[keyof typeof SortOrder];

export const SortTarget = { KEY: 0, VERSION: 1, CREATE: 2, MOD: 3, VALUE: 4 } as const;
export type SortTarget = (typeof SortTarget)[keyof typeof SortTarget];

export const CompareResult = { EQUAL: 0, GREATER: 1, LESS: 2, NOT_EQUAL: 3 } as const;
export type CompareResult = (typeof CompareResult)[keyof typeof CompareResult];

export const CompareTarget = { VERSION: 0, CREATE: 1, MOD: 2, VALUE: 3, LEASE: 4 } as const;
export type CompareTarget = (typeof CompareTarget)[keyof typeof CompareTarget];

export const RangeRequest = message("etcdserverpb.RangeRequest", {
  key: bytes(1),
  rangeEnd: bytes(2),
  limit: clampedInt64(3),
  revision: clampedInt64(4),
  sortOrder: enumeration(5, SortOrder),
  sortTarget: enumeration(6, SortTarget),
  serializable: bool(7),
  keysOnly: bool(8),
  countOnly: bool(9),
  minModRevision: clampedInt64(10),
  maxModRevision: clampedInt64(11),
  minCreateRevision: clampedInt64(12),
  maxCreateRevision: clampedInt64(13),
});
export type RangeRequest = Infer<typeof RangeRequest>;

export const RangeResponse = message("etcdserverpb.RangeResponse", {
  header: embedded(1, () => ResponseHeader),
  kvs: repeated(embedded(2, () => KeyValue)),
  more: bool(3),
  count: int64(4),
});
export type RangeResponse = Infer<typeof RangeResponse>;

export const RangeStreamResponse = message("etcdserverpb.RangeStreamResponse", {
  rangeResponse: embedded(1, () => RangeResponse),
});
export type RangeStreamResponse = Infer<typeof RangeStreamResponse>;

export const PutRequest = message("etcdserverpb.PutRequest", {
  key: bytes(1),
  value: bytes(2),
  lease: bigInt64(3),
  prevKv: bool(4),
  ignoreValue: bool(5),
  ignoreLease: bool(6),
});
export type PutRequest = Infer<typeof PutRequest>;

export const PutResponse = message("etcdserverpb.PutResponse", {
  header: embedded(1, () => ResponseHeader),
  prevKv: embedded(2, () => KeyValue),
});
export type PutResponse = Infer<typeof PutResponse>;

export const DeleteRangeRequest = message("etcdserverpb.DeleteRangeRequest", {
  key: bytes(1),
  rangeEnd: bytes(2),
  prevKv: bool(3),
});
export type DeleteRangeRequest = Infer<typeof DeleteRangeRequest>;

export const DeleteRangeResponse = message("etcdserverpb.DeleteRangeResponse", {
  header: embedded(1, () => ResponseHeader),
  deleted: int64(2),
  prevKvs: repeated(embedded(3, () => KeyValue)),
});
export type DeleteRangeResponse = Infer<typeof DeleteRangeResponse>;

export const Compare = message("etcdserverpb.Compare", {
  result: enumeration(1, CompareResult),
  target: enumeration(2, CompareTarget),
  key: bytes(3),
  ...oneof({
    version: clampedInt64(4),
    createRevision: clampedInt64(5),
    modRevision: clampedInt64(6),
    value: bytes(7),
    lease: bigInt64(8),
  }),
  rangeEnd: bytes(64),
});
export type Compare = Infer<typeof Compare>;

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}

export const TxnRequest: MessageSchema<TxnRequest> = recursiveMessage<TxnRequest>("etcdserverpb.TxnRequest", {
  compare: repeated(embedded(1, () => Compare)),
  success: repeated(embedded(2, () => RequestOp)),
  failure: repeated(embedded(3, () => RequestOp)),
});

export interface RequestOp {
  readonly requestRange: RangeRequest | undefined;
  readonly requestPut: PutRequest | undefined;
  readonly requestDeleteRange: DeleteRangeRequest | undefined;
  readonly requestTxn: TxnRequest | undefined;
}

export const RequestOp: MessageSchema<RequestOp> = recursiveMessage<RequestOp>("etcdserverpb.RequestOp", {
  ...oneof({
    requestRange: embedded(1, () => RangeRequest),
    requestPut: embedded(2, () => PutRequest),
    requestDeleteRange: embedded(3, () => DeleteRangeRequest),
    requestTxn: embedded(4, () => TxnRequest),
  }),
});

export interface TxnResponse {
  readonly header: ResponseHeader | undefined;
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}

export const TxnResponse: MessageSchema<TxnResponse> = recursiveMessage<TxnResponse>("etcdserverpb.TxnResponse", {
  header: embedded(1, () => ResponseHeader),
  succeeded: bool(2),
  responses: repeated(embedded(3, () => ResponseOp)),
});

export interface ResponseOp {
  readonly responseRange: RangeResponse | undefined;
  readonly responsePut: PutResponse | undefined;
  readonly responseDeleteRange: DeleteRangeResponse | undefined;
  readonly responseTxn: TxnResponse | undefined;
}

export const ResponseOp: MessageSchema<ResponseOp> = recursiveMessage<ResponseOp>("etcdserverpb.ResponseOp", {
  ...oneof({
    responseRange: embedded(1, () => RangeResponse),
    responsePut: embedded(2, () => PutResponse),
    responseDeleteRange: embedded(3, () => DeleteRangeResponse),
    responseTxn: embedded(4, () => TxnResponse),
  }),
});

export const CompactionRequest = message("etcdserverpb.CompactionRequest", {
  revision: clampedInt64(1),
  physical: bool(2),
});
export type CompactionRequest = Infer<typeof CompactionRequest>;

export const CompactionResponse = message("etcdserverpb.CompactionResponse", {
  header: embedded(1, () => ResponseHeader),
});
export type CompactionResponse = Infer<typeof CompactionResponse>;
