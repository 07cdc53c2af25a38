// A client of etcd v3, real or ours: `connect({ endpoints })`.
export { connect } from "./connect.ts";
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
