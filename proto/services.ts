import {
  AuthDisableRequest,
  AuthDisableResponse,
  AuthEnableRequest,
  AuthEnableResponse,
  AuthenticateRequest,
  AuthenticateResponse,
  AuthRoleAddRequest,
  AuthRoleAddResponse,
  AuthRoleDeleteRequest,
  AuthRoleDeleteResponse,
  AuthRoleGetRequest,
  AuthRoleGetResponse,
  AuthRoleGrantPermissionRequest,
  AuthRoleGrantPermissionResponse,
  AuthRoleListRequest,
  AuthRoleListResponse,
  AuthRoleRevokePermissionRequest,
  AuthRoleRevokePermissionResponse,
  AuthStatusRequest,
  AuthStatusResponse,
  AuthUserAddRequest,
  AuthUserAddResponse,
  AuthUserChangePasswordRequest,
  AuthUserChangePasswordResponse,
  AuthUserDeleteRequest,
  AuthUserDeleteResponse,
  AuthUserGetRequest,
  AuthUserGetResponse,
  AuthUserGrantRoleRequest,
  AuthUserGrantRoleResponse,
  AuthUserListRequest,
  AuthUserListResponse,
  AuthUserRevokeRoleRequest,
  AuthUserRevokeRoleResponse,
} from "./messages/auth.ts";
import {
  MemberAddRequest,
  MemberAddResponse,
  MemberListRequest,
  MemberListResponse,
  MemberPromoteRequest,
  MemberPromoteResponse,
  MemberRemoveRequest,
  MemberRemoveResponse,
  MemberUpdateRequest,
  MemberUpdateResponse,
} from "./messages/cluster.ts";
import {
  CampaignRequest,
  CampaignResponse,
  LeaderRequest,
  LeaderResponse,
  ProclaimRequest,
  ProclaimResponse,
  ResignRequest,
  ResignResponse,
} from "./messages/election.ts";
import { HealthCheckRequest, HealthCheckResponse } from "./messages/health.ts";
import {
  CompactionRequest,
  CompactionResponse,
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  RangeStreamResponse,
  TxnRequest,
  TxnResponse,
} from "./messages/kv.ts";
import {
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseLeasesRequest,
  LeaseLeasesResponse,
  LeaseRevokeRequest,
  LeaseRevokeResponse,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
} from "./messages/lease.ts";
import { LockRequest, LockResponse, UnlockRequest, UnlockResponse } from "./messages/lock.ts";
import {
  AlarmRequest,
  AlarmResponse,
  DefragmentRequest,
  DefragmentResponse,
  DowngradeRequest,
  DowngradeResponse,
  HashKVRequest,
  HashKVResponse,
  HashRequest,
  HashResponse,
  MoveLeaderRequest,
  MoveLeaderResponse,
  SnapshotRequest,
  SnapshotResponse,
  StatusRequest,
  StatusResponse,
} from "./messages/maintenance.ts";
import { WatchRequest, WatchResponse } from "./messages/watch.ts";
import { bidi, serverStream, service, unary } from "./method.ts";

export const ElectionService = service("v3electionpb.Election", {
  campaign: unary("Campaign", CampaignRequest, CampaignResponse),
  proclaim: unary("Proclaim", ProclaimRequest, ProclaimResponse),
  leader: unary("Leader", LeaderRequest, LeaderResponse),
  observe: serverStream("Observe", LeaderRequest, LeaderResponse),
  resign: unary("Resign", ResignRequest, ResignResponse),
});

export const KVService = service("etcdserverpb.KV", {
  range: unary("Range", RangeRequest, RangeResponse),
  rangeStream: serverStream("RangeStream", RangeRequest, RangeStreamResponse),
  put: unary("Put", PutRequest, PutResponse),
  deleteRange: unary("DeleteRange", DeleteRangeRequest, DeleteRangeResponse),
  txn: unary("Txn", TxnRequest, TxnResponse),
  compact: unary("Compact", CompactionRequest, CompactionResponse),
});

export const WatchService = service("etcdserverpb.Watch", {
  watch: bidi("Watch", WatchRequest, WatchResponse),
});

export const LeaseService = service("etcdserverpb.Lease", {
  leaseGrant: unary("LeaseGrant", LeaseGrantRequest, LeaseGrantResponse),
  leaseRevoke: unary("LeaseRevoke", LeaseRevokeRequest, LeaseRevokeResponse),
  leaseKeepAlive: bidi("LeaseKeepAlive", LeaseKeepAliveRequest, LeaseKeepAliveResponse),
  leaseTimeToLive: unary("LeaseTimeToLive", LeaseTimeToLiveRequest, LeaseTimeToLiveResponse),
  leaseLeases: unary("LeaseLeases", LeaseLeasesRequest, LeaseLeasesResponse),
});

export const ClusterService = service("etcdserverpb.Cluster", {
  memberAdd: unary("MemberAdd", MemberAddRequest, MemberAddResponse),
  memberRemove: unary("MemberRemove", MemberRemoveRequest, MemberRemoveResponse),
  memberUpdate: unary("MemberUpdate", MemberUpdateRequest, MemberUpdateResponse),
  memberList: unary("MemberList", MemberListRequest, MemberListResponse),
  memberPromote: unary("MemberPromote", MemberPromoteRequest, MemberPromoteResponse),
});

export const MaintenanceService = service("etcdserverpb.Maintenance", {
  alarm: unary("Alarm", AlarmRequest, AlarmResponse),
  status: unary("Status", StatusRequest, StatusResponse),
  defragment: unary("Defragment", DefragmentRequest, DefragmentResponse),
  hash: unary("Hash", HashRequest, HashResponse),
  hashKV: unary("HashKV", HashKVRequest, HashKVResponse),
  snapshot: serverStream("Snapshot", SnapshotRequest, SnapshotResponse),
  moveLeader: unary("MoveLeader", MoveLeaderRequest, MoveLeaderResponse),
  downgrade: unary("Downgrade", DowngradeRequest, DowngradeResponse),
});

export const AuthService = service("etcdserverpb.Auth", {
  authEnable: unary("AuthEnable", AuthEnableRequest, AuthEnableResponse),
  authDisable: unary("AuthDisable", AuthDisableRequest, AuthDisableResponse),
  authStatus: unary("AuthStatus", AuthStatusRequest, AuthStatusResponse),
  authenticate: unary("Authenticate", AuthenticateRequest, AuthenticateResponse),
  userAdd: unary("UserAdd", AuthUserAddRequest, AuthUserAddResponse),
  userGet: unary("UserGet", AuthUserGetRequest, AuthUserGetResponse),
  userList: unary("UserList", AuthUserListRequest, AuthUserListResponse),
  userDelete: unary("UserDelete", AuthUserDeleteRequest, AuthUserDeleteResponse),
  userChangePassword: unary("UserChangePassword", AuthUserChangePasswordRequest, AuthUserChangePasswordResponse),
  userGrantRole: unary("UserGrantRole", AuthUserGrantRoleRequest, AuthUserGrantRoleResponse),
  userRevokeRole: unary("UserRevokeRole", AuthUserRevokeRoleRequest, AuthUserRevokeRoleResponse),
  roleAdd: unary("RoleAdd", AuthRoleAddRequest, AuthRoleAddResponse),
  roleGet: unary("RoleGet", AuthRoleGetRequest, AuthRoleGetResponse),
  roleList: unary("RoleList", AuthRoleListRequest, AuthRoleListResponse),
  roleDelete: unary("RoleDelete", AuthRoleDeleteRequest, AuthRoleDeleteResponse),
  roleGrantPermission: unary("RoleGrantPermission", AuthRoleGrantPermissionRequest, AuthRoleGrantPermissionResponse),
  roleRevokePermission: unary(
    "RoleRevokePermission",
    AuthRoleRevokePermissionRequest,
    AuthRoleRevokePermissionResponse,
  ),
});

export const HealthService = service("grpc.health.v1.Health", {
  check: unary("Check", HealthCheckRequest, HealthCheckResponse),
  watch: serverStream("Watch", HealthCheckRequest, HealthCheckResponse),
});

export const LockService = service("v3lockpb.Lock", {
  lock: unary("Lock", LockRequest, LockResponse),
  unlock: unary("Unlock", UnlockRequest, UnlockResponse),
});
