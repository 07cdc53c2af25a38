import { bigInt64, bigUint64, embedded, int64, named, repeated, string, uint64 } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";
import {
  AuthDisableRequest,
  AuthEnableRequest,
  AuthRoleAddRequest,
  AuthRoleDeleteRequest,
  AuthRoleGetRequest,
  AuthRoleGrantPermissionRequest,
  AuthRoleListRequest,
  AuthRoleRevokePermissionRequest,
  AuthStatusRequest,
  AuthUserAddRequest,
  AuthUserChangePasswordRequest,
  AuthUserDeleteRequest,
  AuthUserGetRequest,
  AuthUserGrantRoleRequest,
  AuthUserListRequest,
  AuthUserRevokeRoleRequest,
} from "./auth.ts";
import { ResponseHeader } from "./header.ts";
import { CompactionRequest, DeleteRangeRequest, PutRequest, RangeRequest, TxnRequest } from "./kv.ts";
import { LeaseGrantRequest, LeaseRevokeRequest } from "./lease.ts";
import { AlarmRequest } from "./maintenance.ts";
import { ClusterMemberAttrSetRequest, ClusterVersionSetRequest, DowngradeInfoSetRequest } from "./membership.ts";

export const LeaseCheckpoint = message("etcdserverpb.LeaseCheckpoint", {
  id: named("ID", bigInt64(1)),
  remainingTTL: named("remaining_TTL", int64(2)),
});
export type LeaseCheckpoint = Infer<typeof LeaseCheckpoint>;

export const LeaseCheckpointRequest = message("etcdserverpb.LeaseCheckpointRequest", {
  checkpoints: repeated(embedded(1, () => LeaseCheckpoint)),
});
export type LeaseCheckpointRequest = Infer<typeof LeaseCheckpointRequest>;

export const LeaseCheckpointResponse = message("etcdserverpb.LeaseCheckpointResponse", {
  header: embedded(1, () => ResponseHeader),
});
export type LeaseCheckpointResponse = Infer<typeof LeaseCheckpointResponse>;

export const DowngradeVersionTestRequest = message("etcdserverpb.DowngradeVersionTestRequest", { ver: string(1) });
export type DowngradeVersionTestRequest = Infer<typeof DowngradeVersionTestRequest>;

export const RequestHeader = message("etcdserverpb.RequestHeader", {
  id: named("ID", bigUint64(1)),
  username: string(2),
  authRevision: uint64(3),
  requesterMemberId: bigUint64(4),
});
export type RequestHeader = Infer<typeof RequestHeader>;

export const InternalAuthenticateRequest = message("etcdserverpb.InternalAuthenticateRequest", {
  name: string(1),
  password: string(2),
  simpleToken: string(3),
});
export type InternalAuthenticateRequest = Infer<typeof InternalAuthenticateRequest>;

export const EmptyResponse = message("etcdserverpb.EmptyResponse", {});
export type EmptyResponse = Infer<typeof EmptyResponse>;

export const InternalRaftRequest = message("etcdserverpb.InternalRaftRequest", {
  id: named("ID", bigUint64(1)),
  range: embedded(3, () => RangeRequest),
  put: embedded(4, () => PutRequest),
  deleteRange: embedded(5, () => DeleteRangeRequest),
  txn: embedded(6, () => TxnRequest),
  compaction: embedded(7, () => CompactionRequest),
  leaseGrant: embedded(8, () => LeaseGrantRequest),
  leaseRevoke: embedded(9, () => LeaseRevokeRequest),
  alarm: embedded(10, () => AlarmRequest),
  leaseCheckpoint: embedded(11, () => LeaseCheckpointRequest),
  header: embedded(100, () => RequestHeader),
  authEnable: embedded(1000, () => AuthEnableRequest),
  authDisable: embedded(1011, () => AuthDisableRequest),
  authenticate: embedded(1012, () => InternalAuthenticateRequest),
  authStatus: embedded(1013, () => AuthStatusRequest),
  authUserAdd: embedded(1100, () => AuthUserAddRequest),
  authUserDelete: embedded(1101, () => AuthUserDeleteRequest),
  authUserGet: embedded(1102, () => AuthUserGetRequest),
  authUserChangePassword: embedded(1103, () => AuthUserChangePasswordRequest),
  authUserGrantRole: embedded(1104, () => AuthUserGrantRoleRequest),
  authUserRevokeRole: embedded(1105, () => AuthUserRevokeRoleRequest),
  authUserList: embedded(1106, () => AuthUserListRequest),
  authRoleList: embedded(1107, () => AuthRoleListRequest),
  authRoleAdd: embedded(1200, () => AuthRoleAddRequest),
  authRoleDelete: embedded(1201, () => AuthRoleDeleteRequest),
  authRoleGet: embedded(1202, () => AuthRoleGetRequest),
  authRoleGrantPermission: embedded(1203, () => AuthRoleGrantPermissionRequest),
  authRoleRevokePermission: embedded(1204, () => AuthRoleRevokePermissionRequest),
  clusterVersionSet: embedded(1300, () => ClusterVersionSetRequest),
  clusterMemberAttrSet: embedded(1301, () => ClusterMemberAttrSetRequest),
  downgradeInfoSet: embedded(1302, () => DowngradeInfoSetRequest),
  downgradeVersionTest: embedded(9900, () => DowngradeVersionTestRequest),
});
export type InternalRaftRequest = Infer<typeof InternalRaftRequest>;
