// The wire of etcd v3: its messages as values and types of one name, its services, and the HTTP/2 and gRPC below them.

export * as runtimepb from "./cri/mod.ts";
export * as csi from "./csi/mod.ts";
export { type EtcdErrorName, etcdErrorName, etcdErrors } from "./etcd-errors.ts";
export { RpcError } from "./grpc/error.ts";
export {
  decodeStatusMessage,
  encodeStatusMessage,
  errorTrailers,
  okTrailers,
  readStatus,
  responseHeaders,
  statusOfHttp,
} from "./grpc/headers.ts";
export { MessageReader, unfinishedMessage } from "./grpc/message-reader.ts";
export { prefixBytes, readPrefix, writePrefix } from "./grpc/prefix.ts";
export { sendMessage, sendPieces } from "./grpc/send.ts";
export { formatTimeout, parseTimeout } from "./grpc/timeout.ts";
export { Connection } from "./http2/connection.ts";
export { ErrorCode, preface } from "./http2/constants.ts";
export { ConnectionError } from "./http2/error.ts";
export type { ConnectionEvents } from "./http2/events.ts";
export type { HeaderBlock } from "./http2/hpack/block.ts";
export { type OutgoingHeader, RepeatedHeaders } from "./http2/hpack/encoder.ts";
export type { Header } from "./http2/hpack/header.ts";
export type { ConnectionOptions } from "./http2/options.ts";
export { readUint32, writeUint32 } from "./http2/output.ts";
export type { Stream } from "./http2/stream.ts";
export * from "./messages/auth.ts";
export * as authpb from "./messages/authpb.ts";
export * from "./messages/cluster.ts";
export * from "./messages/election.ts";
export * from "./messages/header.ts";
export * from "./messages/health.ts";
export * from "./messages/internal.ts";
export * from "./messages/kv.ts";
export * from "./messages/lease.ts";
export * as leasepb from "./messages/leasepb.ts";
export * from "./messages/lock.ts";
export * from "./messages/maintenance.ts";
export * as membershippb from "./messages/membership.ts";
export * from "./messages/mvcc.ts";
export * as raftpb from "./messages/raft.ts";
export * as snappb from "./messages/snap.ts";
export * as v2pb from "./messages/v2.ts";
export * as walpb from "./messages/wal.ts";
export * from "./messages/watch.ts";
export type { Method, MethodKind, Service } from "./method.ts";
export * as pluginregistration from "./pluginregistration/mod.ts";
export * from "./services.ts";
export { headerDictionary } from "./spdy/dictionary.ts";
export { RstStatus, SpdyError, type SpdyHeader } from "./spdy/frame.ts";
export { type HeaderCompression, SpdySession, type SpdySessionEvents } from "./spdy/session.ts";
export type { SpdyStream } from "./spdy/stream.ts";
export { Status, type StatusName, statusName } from "./status.ts";
export { Encoded } from "./wire/encoded.ts";
export { WireError } from "./wire/error.ts";
export { type Field, protoNameOf, type ScalarKind } from "./wire/field.ts";
export type { Infer, Init, MessageSchema } from "./wire/message.ts";
