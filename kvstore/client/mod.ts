// A client of etcd v3, real or ours: `connect({ endpoints })`.
export { type CallListener, ClientCall } from "./call.ts";
export type { ChannelWorld } from "./channel.ts";
export { connect, connectIn } from "./connect.ts";
export type { CallConnection, ConnectionSettings } from "./connection.ts";
export type { Endpoint } from "./endpoint.ts";
export { CompactedError, EtcdError } from "./error.ts";
export { noEnd, prefixEnd } from "./keys.ts";
export type {
  AtEndpoint,
  AuthClient,
  CallOptions,
  ClientTlsOptions,
  ClusterClient,
  EtcdClient,
  EtcdClientOptions,
  KeepAlive,
  KeepAliveListener,
  KvClient,
  LeaseClient,
  MaintenanceClient,
  WatchBatch,
  WatchClient,
  WatchEnd,
  Watcher,
  WatchListener,
  WatchRequestOptions,
} from "./types.ts";
