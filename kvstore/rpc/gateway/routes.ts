import {
  AuthService,
  ClusterService,
  ElectionService,
  KVService,
  LeaseService,
  LockService,
  MaintenanceService,
  type Method,
  WatchService,
} from "../../../proto/mod.ts";

const auth = AuthService.methods;
const cluster = ClusterService.methods;
const election = ElectionService.methods;
const kv = KVService.methods;
const lease = LeaseService.methods;
const lock = LockService.methods;
const maintenance = MaintenanceService.methods;

/** Where the gateway serves what, below `/v3/`: the `google.api.http` options of etcd's rpc.proto. RangeStream has none. */
export const gatewayRoutes: ReadonlyMap<string, Method> = new Map(
  Object.entries({
    "kv/range": kv.range,
    "kv/put": kv.put,
    "kv/deleterange": kv.deleteRange,
    "kv/txn": kv.txn,
    "kv/compaction": kv.compact,
    watch: WatchService.methods.watch,
    "lease/grant": lease.leaseGrant,
    "lease/revoke": lease.leaseRevoke,
    "kv/lease/revoke": lease.leaseRevoke,
    "lease/keepalive": lease.leaseKeepAlive,
    "lease/timetolive": lease.leaseTimeToLive,
    "kv/lease/timetolive": lease.leaseTimeToLive,
    "lease/leases": lease.leaseLeases,
    "kv/lease/leases": lease.leaseLeases,
    "cluster/member/add": cluster.memberAdd,
    "cluster/member/remove": cluster.memberRemove,
    "cluster/member/update": cluster.memberUpdate,
    "cluster/member/list": cluster.memberList,
    "cluster/member/promote": cluster.memberPromote,
    "maintenance/alarm": maintenance.alarm,
    "maintenance/status": maintenance.status,
    "maintenance/defragment": maintenance.defragment,
    "maintenance/hash": maintenance.hash,
    "maintenance/hashkv": maintenance.hashKV,
    "maintenance/snapshot": maintenance.snapshot,
    "maintenance/transfer-leadership": maintenance.moveLeader,
    "maintenance/downgrade": maintenance.downgrade,
    "auth/enable": auth.authEnable,
    "auth/disable": auth.authDisable,
    "auth/status": auth.authStatus,
    "auth/authenticate": auth.authenticate,
    "auth/user/add": auth.userAdd,
    "auth/user/get": auth.userGet,
    "auth/user/list": auth.userList,
    "auth/user/delete": auth.userDelete,
    "auth/user/changepw": auth.userChangePassword,
    "auth/user/grant": auth.userGrantRole,
    "auth/user/revoke": auth.userRevokeRole,
    "auth/role/add": auth.roleAdd,
    "auth/role/get": auth.roleGet,
    "auth/role/list": auth.roleList,
    "auth/role/delete": auth.roleDelete,
    "auth/role/grant": auth.roleGrantPermission,
    "auth/role/revoke": auth.roleRevokePermission,
    "lock/lock": lock.lock,
    "lock/unlock": lock.unlock,
    "election/campaign": election.campaign,
    "election/proclaim": election.proclaim,
    "election/leader": election.leader,
    "election/observe": election.observe,
    "election/resign": election.resign,
  } as unknown as Readonly<Record<string, Method>>),
);
