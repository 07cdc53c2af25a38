import { Status } from "./status.ts";

/** Every error of etcd that a client can see: the name of its constant in etcd's `rpctypes`, its gRPC code, and its text.
 * Clients recognise errors by the text, so it is exact to the byte. Two codes look wrong and are etcd's: its own table
 * for these two holds the client's values, which the server cannot map to a code. */
export const etcdErrors = {
  EmptyKey: [Status.InvalidArgument, "etcdserver: key is not provided"],
  KeyNotFound: [Status.InvalidArgument, "etcdserver: key not found"],
  ValueProvided: [Status.InvalidArgument, "etcdserver: value is provided"],
  LeaseProvided: [Status.InvalidArgument, "etcdserver: lease is provided"],
  TooManyOps: [Status.InvalidArgument, "etcdserver: too many operations in txn request"],
  DuplicateKey: [Status.InvalidArgument, "etcdserver: duplicate key given in txn request"],
  InvalidClientAPIVersion: [Status.InvalidArgument, "etcdserver: invalid client api version"],
  InvalidSortOption: [Status.InvalidArgument, "etcdserver: invalid sort option"],
  Compacted: [Status.OutOfRange, "etcdserver: mvcc: required revision has been compacted"],
  FutureRev: [Status.OutOfRange, "etcdserver: mvcc: required revision is a future revision"],
  NoSpace: [Status.ResourceExhausted, "etcdserver: mvcc: database space exceeded"],
  LeaseNotFound: [Status.NotFound, "etcdserver: requested lease not found"],
  LeaseExist: [Status.FailedPrecondition, "etcdserver: lease already exists"],
  LeaseTTLTooLarge: [Status.OutOfRange, "etcdserver: too large lease TTL"],
  WatchCanceled: [Status.Canceled, "etcdserver: watch canceled"],
  MemberExist: [Status.FailedPrecondition, "etcdserver: member ID already exist"],
  PeerURLExist: [Status.FailedPrecondition, "etcdserver: Peer URLs already exists"],
  MemberNotEnoughStarted: [Status.Unknown, "etcdserver: re-configuration failed due to not enough started members"],
  MemberBadURLs: [Status.InvalidArgument, "etcdserver: given member URLs are invalid"],
  MemberNotFound: [Status.NotFound, "etcdserver: member not found"],
  MemberNotLearner: [Status.FailedPrecondition, "etcdserver: can only promote a learner member"],
  LearnerNotReady: [
    Status.FailedPrecondition,
    "etcdserver: can only promote a learner member which is in sync with leader",
  ],
  TooManyLearners: [Status.FailedPrecondition, "etcdserver: too many learner members in cluster"],
  ClusterIDMismatch: [Status.FailedPrecondition, "etcdserver: cluster ID mismatch"],
  RequestTooLarge: [Status.InvalidArgument, "etcdserver: request is too large"],
  RequestTooManyRequests: [Status.Unknown, "etcdserver: too many requests"],
  RootUserNotExist: [Status.FailedPrecondition, "etcdserver: root user does not exist"],
  RootRoleNotExist: [Status.FailedPrecondition, "etcdserver: root user does not have root role"],
  UserAlreadyExist: [Status.FailedPrecondition, "etcdserver: user name already exists"],
  UserEmpty: [Status.InvalidArgument, "etcdserver: user name is empty"],
  UserNotFound: [Status.FailedPrecondition, "etcdserver: user name not found"],
  RoleAlreadyExist: [Status.FailedPrecondition, "etcdserver: role name already exists"],
  RoleNotFound: [Status.FailedPrecondition, "etcdserver: role name not found"],
  RoleEmpty: [Status.InvalidArgument, "etcdserver: role name is empty"],
  AuthFailed: [Status.InvalidArgument, "etcdserver: authentication failed, invalid user ID or password"],
  PermissionNotGiven: [Status.InvalidArgument, "etcdserver: permission not given"],
  PermissionDenied: [Status.PermissionDenied, "etcdserver: permission denied"],
  RoleNotGranted: [Status.FailedPrecondition, "etcdserver: role is not granted to the user"],
  PermissionNotGranted: [Status.FailedPrecondition, "etcdserver: permission is not granted to the role"],
  AuthNotEnabled: [Status.FailedPrecondition, "etcdserver: authentication is not enabled"],
  InvalidAuthToken: [Status.Unauthenticated, "etcdserver: invalid auth token"],
  InvalidAuthMgmt: [Status.InvalidArgument, "etcdserver: invalid auth management"],
  AuthOldRevision: [Status.InvalidArgument, "etcdserver: revision of auth store is old"],
  // Of these two `rpctypes` knows nothing: they reach clients as the server has them.
  NoPasswordUser: [Status.Unknown, "auth: authentication failed, password was given for no password user"],
  VerifyOnlyKey: [Status.Unknown, "auth: token signing attempted with verify-only key"],
  NoLeader: [Status.Unavailable, "etcdserver: no leader"],
  NotLeader: [Status.FailedPrecondition, "etcdserver: not leader"],
  LeaderChanged: [Status.Unavailable, "etcdserver: leader changed"],
  NotCapable: [Status.FailedPrecondition, "etcdserver: not capable"],
  Stopped: [Status.Unavailable, "etcdserver: server stopped"],
  Timeout: [Status.Unavailable, "etcdserver: request timed out"],
  TimeoutDueToLeaderFail: [
    Status.Unavailable,
    "etcdserver: request timed out, possibly due to previous leader failure",
  ],
  TimeoutDueToConnectionLost: [Status.Unavailable, "etcdserver: request timed out, possibly due to connection lost"],
  TimeoutWaitAppliedIndex: [
    Status.Unavailable,
    "etcdserver: request timed out, waiting for the applied index took too long",
  ],
  Unhealthy: [Status.Unavailable, "etcdserver: unhealthy cluster"],
  Corrupt: [Status.DataLoss, "etcdserver: corrupt cluster"],
  NotSupportedForLearner: [Status.FailedPrecondition, "etcdserver: rpc not supported for learner"],
  BadLeaderTransferee: [Status.FailedPrecondition, "etcdserver: bad leader transferee"],
  WrongDowngradeVersionFormat: [Status.InvalidArgument, "etcdserver: wrong downgrade target version format"],
  InvalidDowngradeTargetVersion: [Status.InvalidArgument, "etcdserver: invalid downgrade target version"],
  ClusterVersionUnavailable: [Status.FailedPrecondition, "etcdserver: cluster version not found during downgrade"],
  DowngradeInProcess: [Status.FailedPrecondition, "etcdserver: cluster has a downgrade job in progress"],
  NoInflightDowngrade: [Status.FailedPrecondition, "etcdserver: no inflight downgrade job"],
  Canceled: [Status.Canceled, "etcdserver: request canceled"],
  DeadlineExceeded: [Status.DeadlineExceeded, "etcdserver: context deadline exceeded"],
} as const satisfies Readonly<Record<string, readonly [code: Status, message: string]>>;

export type EtcdErrorName = keyof typeof etcdErrors;

const byMessage = new Map(Object.entries(etcdErrors).map(([name, [, message]]) => [message as string, name]));

/** The error that has this text, if etcd has such a one. */
export function etcdErrorName(message: string): EtcdErrorName | undefined {
  return byMessage.get(message) as EtcdErrorName | undefined;
}
