import type { Clock, Log } from "../../base/mod.ts";
import type {
  AlarmRequest,
  AlarmResponse,
  AuthDisableResponse,
  AuthEnableResponse,
  AuthenticateResponse,
  AuthRoleAddResponse,
  AuthRoleDeleteResponse,
  AuthRoleGetResponse,
  AuthRoleGrantPermissionResponse,
  AuthRoleListResponse,
  AuthRoleRevokePermissionResponse,
  AuthStatusResponse,
  AuthUserAddResponse,
  AuthUserChangePasswordResponse,
  AuthUserDeleteResponse,
  AuthUserGetResponse,
  AuthUserGrantRoleResponse,
  AuthUserListResponse,
  AuthUserRevokeRoleResponse,
  authpb,
  CompactionRequest,
  CompactionResponse,
  DefragmentResponse,
  DeleteRangeRequest,
  DeleteRangeResponse,
  DowngradeRequest,
  DowngradeResponse,
  Event,
  HashKVResponse,
  HashResponse,
  Init,
  LeaseGrantResponse,
  LeaseKeepAliveResponse,
  LeaseLeasesResponse,
  LeaseRevokeResponse,
  LeaseTimeToLiveResponse,
  MemberAddResponse,
  MemberListResponse,
  MemberPromoteResponse,
  MemberRemoveResponse,
  MemberUpdateResponse,
  MoveLeaderResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  SnapshotResponse,
  StatusResponse,
  TxnRequest,
  TxnResponse,
} from "../../proto/mod.ts";

export interface EtcdClientOptions {
  /** `http://127.0.0.1:2379`, `https://…`, `127.0.0.1:2379` (as `http://`), `unix:///path`, `unixs:///path`. All name
   * members of one cluster; calls go to one of them until it fails, then to the next. */
  readonly endpoints: readonly string[];
  /** For `https://` and `unixs://` endpoints. PEM texts. */
  readonly tls?: ClientTlsOptions;
  /** Logs in with these, and again whenever the token is refused. */
  readonly auth?: { readonly name: string; readonly password: string };
  /** Shown as it is, such as a JWT that somebody else signed. With `auth` too, until it is refused. */
  readonly token?: string;
  /** How long one attempt to connect may take. Default 2 s. */
  readonly dialTimeoutMs?: number;
  /** Deadline of a unary call that sets none. Default: none but that of `signal`. */
  readonly timeoutMs?: number;
  /** Pings when the connection is silent this long; without an answer within `keepaliveTimeoutMs` the connection is
   * given up. Defaults 10 s and 5 s. */
  readonly keepaliveMs?: number;
  readonly keepaliveTimeoutMs?: number;
  /** Ask for the end of watches and calls when the member they are served by has no leader. Default true. */
  readonly requireLeader?: boolean;
  readonly clock?: Clock;
  readonly log?: Log;
}

export interface ClientTlsOptions {
  readonly ca?: string | Uint8Array;
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** The name that the server's certificate must bear; default: the endpoint's host. */
  readonly serverName?: string;
  readonly insecureSkipVerify?: boolean;
}

export interface CallOptions {
  /** Aborting rejects the call with its reason. Whether a write was applied is then unknown. */
  readonly signal?: AbortSignal;
  /** Of the whole call, retries included. */
  readonly timeoutMs?: number;
}

/**
 * Every call rejects with `EtcdError`. Reads are tried at each endpoint in turn while these are unavailable. A write is
 * sent again only if it cannot have been applied: the connection was refused, or the server said that it did not
 * process the request. Otherwise the error is passed on with `maybeApplied` set, and the caller decides.
 */
export interface KvClient {
  range(request: Init<RangeRequest>, options?: CallOptions): Promise<RangeResponse>;
  put(request: Init<PutRequest>, options?: CallOptions): Promise<PutResponse>;
  deleteRange(request: Init<DeleteRangeRequest>, options?: CallOptions): Promise<DeleteRangeResponse>;
  txn(request: Init<TxnRequest>, options?: CallOptions): Promise<TxnResponse>;
  compact(request: Init<CompactionRequest>, options?: CallOptions): Promise<CompactionResponse>;
  /** A range in chunks of growing size, all at one revision. The last chunk carries header, more and count.
   * `Unimplemented` before etcd 3.7: fall back to `range`. Not retried once a chunk has arrived. */
  rangeStream(request: Init<RangeRequest>, options?: CallOptions): AsyncIterable<RangeResponse>;
}

export interface WatchRequestOptions {
  readonly key: Uint8Array;
  readonly rangeEnd?: Uint8Array;
  /** First revision to report; default: the one after the current revision at the time the watch is created. */
  readonly startRevision?: number;
  readonly prevKv?: boolean;
  /** Have the server send progress every so often (its `watch-progress-notify-interval`) when nothing happens. */
  readonly progressNotify?: boolean;
  readonly noPut?: boolean;
  readonly noDelete?: boolean;
}

/** Calls are made synchronously, in the order of the stream. */
export interface WatchListener {
  /** The server knows the watch; `revision` is its current one. Again after each reconnection. */
  onCreated?(revision: number): void;
  /** Events in order, whole revisions. `revision` is the header's, at least the last event's. Bytes in events are views
   * of a larger buffer: copy what is kept for long. */
  onEvents(events: readonly Event[], revision: number): void;
  /** All events up to `revision` have been reported. */
  onProgress?(revision: number): void;
  /** The watch is over, and not by `close`: nothing more is called. */
  onEnd(end: WatchEnd): void;
}

export type WatchEnd =
  /** History before `compactRevision` is gone; what happened between the last event seen and it is lost. */
  | { readonly kind: "compacted"; readonly compactRevision: number }
  /** The server refused or cancelled the watch: no permission, an empty range, or a stream error that is final. */
  | { readonly kind: "failed"; readonly error: Error };

export interface Watcher {
  /** Stops it; nothing is called after this returns. */
  close(): void;
}

/** What `WatchClient.iterate` yields. */
export type WatchBatch =
  | { readonly kind: "created"; readonly revision: number }
  | { readonly kind: "events"; readonly revision: number; readonly events: readonly Event[] }
  | { readonly kind: "progress"; readonly revision: number };

/** All watchers of a client share one stream. When it breaks they go on at the next endpoint, each from the revision after
 * the last it saw, so that nothing is reported twice or left out. */
export interface WatchClient {
  /** The callback form, for those who handle many events. */
  open(request: WatchRequestOptions, listener: WatchListener): Watcher;
  /** Ends by throwing: `CompactedError`, the server's `EtcdError`, or the signal's reason. */
  iterate(request: WatchRequestOptions, signal?: AbortSignal): AsyncIterableIterator<WatchBatch>;
  /** Asks for the stream's progress now; every watcher gets `onProgress` with a revision up to which it has seen all.
   * The server answers when all watchers of the stream have caught up; the request is repeated on a new stream. */
  requestProgress(): void;
}

export interface LeaseClient {
  /** TTL in seconds, raised by the server to its minimum. Without an id the server draws one. */
  grant(ttl: number, id?: bigint, options?: CallOptions): Promise<LeaseGrantResponse>;
  revoke(id: bigint, options?: CallOptions): Promise<LeaseRevokeResponse>;
  timeToLive(
    id: bigint,
    request?: { readonly keys?: boolean },
    options?: CallOptions,
  ): Promise<LeaseTimeToLiveResponse>;
  leases(options?: CallOptions): Promise<LeaseLeasesResponse>;
  keepAliveOnce(id: bigint, options?: CallOptions): Promise<LeaseKeepAliveResponse>;
  /** Renews at a third of the TTL, over one stream for all leases, through reconnections, until `close`. */
  keepAlive(id: bigint, listener?: KeepAliveListener): KeepAlive;
}

export interface KeepAliveListener {
  onRenewed?(ttl: number): void;
  /** The lease has expired or was revoked, or no member could be reached for as long as its TTL. */
  onLost?(error: Error): void;
}

export interface KeepAlive {
  /** Stops renewing; the lease lives on until its TTL ends. */
  close(): void;
}

export interface ClusterClient {
  /** With an endpoint and not linearizable: as that member knows it. */
  memberList(
    request?: { readonly linearizable?: boolean },
    options?: CallOptions & AtEndpoint,
  ): Promise<MemberListResponse>;
  memberAdd(peerURLs: readonly string[], isLearner?: boolean, options?: CallOptions): Promise<MemberAddResponse>;
  memberRemove(id: bigint, options?: CallOptions): Promise<MemberRemoveResponse>;
  memberUpdate(id: bigint, peerURLs: readonly string[], options?: CallOptions): Promise<MemberUpdateResponse>;
  memberPromote(id: bigint, options?: CallOptions): Promise<MemberPromoteResponse>;
}

/** Most of these concern one member: `endpoint` says which; without it, the one in use. */
export interface MaintenanceClient {
  status(options?: CallOptions & AtEndpoint): Promise<StatusResponse>;
  /** Of all that a member has, not of the keys alone. */
  hash(options?: CallOptions & AtEndpoint): Promise<HashResponse>;
  downgrade(request: Init<DowngradeRequest>, options?: CallOptions & AtEndpoint): Promise<DowngradeResponse>;
  hashKv(revision?: number, options?: CallOptions & AtEndpoint): Promise<HashKVResponse>;
  alarm(request: Init<AlarmRequest>, options?: CallOptions & AtEndpoint): Promise<AlarmResponse>;
  moveLeader(target: bigint, options?: CallOptions & AtEndpoint): Promise<MoveLeaderResponse>;
  defragment(options?: CallOptions & AtEndpoint): Promise<DefragmentResponse>;
  snapshot(options?: CallOptions & AtEndpoint): AsyncIterable<SnapshotResponse>;
}

/** Users, roles and who may do what. A user without a password is known by its certificate alone. */
export interface AuthClient {
  enable(options?: CallOptions): Promise<AuthEnableResponse>;
  disable(options?: CallOptions): Promise<AuthDisableResponse>;
  status(options?: CallOptions): Promise<AuthStatusResponse>;
  /** The token of a login that is nothing to this client. */
  authenticate(name: string, password: string, options?: CallOptions): Promise<AuthenticateResponse>;
  userAdd(name: string, password: string | undefined, options?: CallOptions): Promise<AuthUserAddResponse>;
  userDelete(name: string, options?: CallOptions): Promise<AuthUserDeleteResponse>;
  userGet(name: string, options?: CallOptions): Promise<AuthUserGetResponse>;
  userList(options?: CallOptions): Promise<AuthUserListResponse>;
  userChangePassword(name: string, password: string, options?: CallOptions): Promise<AuthUserChangePasswordResponse>;
  userGrantRole(user: string, role: string, options?: CallOptions): Promise<AuthUserGrantRoleResponse>;
  userRevokeRole(user: string, role: string, options?: CallOptions): Promise<AuthUserRevokeRoleResponse>;
  roleAdd(role: string, options?: CallOptions): Promise<AuthRoleAddResponse>;
  roleDelete(role: string, options?: CallOptions): Promise<AuthRoleDeleteResponse>;
  roleGet(role: string, options?: CallOptions): Promise<AuthRoleGetResponse>;
  roleList(options?: CallOptions): Promise<AuthRoleListResponse>;
  roleGrantPermission(
    role: string,
    permission: Init<authpb.Permission>,
    options?: CallOptions,
  ): Promise<AuthRoleGrantPermissionResponse>;
  roleRevokePermission(
    role: string,
    keys: { readonly key: Uint8Array; readonly rangeEnd?: Uint8Array },
    options?: CallOptions,
  ): Promise<AuthRoleRevokePermissionResponse>;
}

export interface AtEndpoint {
  readonly endpoint?: string;
}

export interface EtcdClient {
  readonly kv: KvClient;
  readonly watch: WatchClient;
  readonly lease: LeaseClient;
  readonly cluster: ClusterClient;
  readonly maintenance: MaintenanceClient;
  readonly auth: AuthClient;
  /** Ends watches and keep-alives without a word, rejects calls in progress, closes all connections. */
  close(): Promise<void>;
}
