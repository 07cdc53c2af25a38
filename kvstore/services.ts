import type { LeaseGrantRequest } from "../proto/mod.ts";
import type { Caller } from "./auth/mod.ts";
import { failpoints } from "./failpoint/mod.ts";
import { fail, WatchHub } from "./mvcc/mod.ts";
import { Access } from "./rpc/access.ts";
import { authService } from "./rpc/auth.ts";
import { clusterService } from "./rpc/cluster.ts";
import { electionService } from "./rpc/election.ts";
import { rpcError } from "./rpc/errors.ts";
import type { Call, GrpcServer, Implementation } from "./rpc/grpc/mod.ts";
import { guarded } from "./rpc/guard.ts";
import { Headers } from "./rpc/headers.ts";
import { healthService } from "./rpc/health.ts";
import { kvService } from "./rpc/kv.ts";
import { leaderLeases } from "./rpc/leader-leases.ts";
import { type LeaseServiceOptions, leaseService, localLeases } from "./rpc/lease.ts";
import { lockService } from "./rpc/lock.ts";
import { maintenanceService } from "./rpc/maintenance.ts";
import { leaseCost, Quota } from "./rpc/quota.ts";
import { watchServer } from "./rpc/watch.ts";
import type { Member } from "./server/member.ts";
import { defaults, requestTimeoutMsOf } from "./server/options.ts";

const mebibyte = 1024 * 1024;

export interface Services {
  readonly implementations: readonly Implementation[];
  readonly hub: WatchHub;
  /** Open now. */
  readonly watchStreams: () => number;
  /** Ends all streams: the member stops. */
  stop(): void;
}

/** All services of one member. `server` is where their calls of each other go. */
export function servicesOf(member: Member, server: () => Pick<GrpcServer, "call">): Services {
  const headers = new Headers(member);
  const access = new Access(member);
  const hub = new WatchHub({
    store: member.state.store,
    clock: member.clock,
    onFailure: (error) => member.fail(error),
  });
  member.onState((state) => hub.moveTo(state.store));
  const watches = watchServer({
    hub,
    clock: member.clock,
    sentEvents: member.metrics.events,
    header: () => headers.withoutRevision(),
    maxFragmentBytes: maxRequestBytesOf(member),
    progressIntervalMs: member.options.watchProgressIntervalMs ?? defaults.watchProgressIntervalMs,
    jitter: () => member.world.random.below(1000) / 1000,
    mayWatch: (call, request) => access.watch(call, request),
    hasLeader: () => member.leadership.leader !== 0n,
    onLeaderLost: (lost) => onLeaderLost(member, lost),
  });
  const health = healthService();
  const quota = new Quota(member);
  const implementations = [
    kvService(member, headers, quota, access),
    watches.implementation,
    leases(member, headers, quota, access),
    clusterService(member, headers, access),
    maintenanceService(member, headers, access),
    authService(member, headers, access),
    health.implementation,
    lockService(server),
    electionService(server),
  ].map((service) => guarded(service, access, (call) => pendingLogin(member, access, call)));
  return {
    implementations,
    hub,
    watchStreams: () => watches.streams,
    stop() {
      watches.stop();
      health.stop();
      hub.stop();
    },
  };
}

/** With what a message has around the request. */
export function maxRequestBytesOf({ options }: Member): number {
  return (options.maxRequestBytes ?? defaults.maxRequestBytes) + mebibyte / 2;
}

/** Waits for the login that made the call's token, for as long as for any other entry. */
function pendingLogin(member: Member, access: Access, call: Call): Promise<void> | undefined {
  const index = access.pendingLogin(call);
  return index === undefined ? undefined : member.whenApplied(index, requestTimeoutMsOf(member.electionMs));
}

function leases(member: Member, headers: Headers, quota: Quota, access: Access): Implementation {
  const shared: Pick<LeaseServiceOptions, "lessor" | "confirmLeadership"> = {
    lessor: () => member.state.lessor,
    confirmLeadership: () =>
      new Promise((resolve) => member.linearizable((failure) => resolve(failure === undefined && member.isLeader))),
  };
  return leaseService({
    ...shared,
    clock: member.clock,
    header: () => headers.current(),
    drawLeaseId: () => drawLeaseId(member),
    propose: {
      grant: async (request: LeaseGrantRequest, caller?: Caller) => {
        if (quota.admits(leaseCost)) return member.proposed("leaseGrant", request, caller);
        await new Promise<void>((resolve) => quota.refuse(resolve));
        return fail("NoSpace");
      },
      revoke: (request, caller) => member.proposed("leaseRevoke", request, caller),
    },
    access,
    leader: leaderLeases(member, localLeases(shared)),
    requestTimeoutMs: requestTimeoutMsOf(member.electionMs),
  });
}

function drawLeaseId({ world }: Member): bigint {
  const bytes = world.randomBytes(8);
  return BigInt.asUintN(63, new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
}

/** What holds for all calls: a learner answers little, not even whether it is well, and those that ask for a leader need one. */
export function checkCall(member: Member, call: Call): void {
  if (failpoints.armed) failpoints.stop("afterIsMemberExist");
  if (member.isLearner && !learnerMethods.has(call.method.path)) throw rpcError("NotSupportedForLearner");
  if (call.metadata("hasleader") === "true" && member.leadership.leader === 0n) throw rpcError("NoLeader");
}

const learnerMethods = new Set([
  "/etcdserverpb.KV/Range",
  "/etcdserverpb.Maintenance/Status",
  "/etcdserverpb.Maintenance/Snapshot",
]);

/** Calls `lost` when there has been no leader for three election timeouts. */
function onLeaderLost(member: Member, lost: () => void): () => void {
  let timer: { cancel(): void } | undefined;
  const stopListening = member.onLeadership(({ leader }) => {
    timer?.cancel();
    timer = leader === 0n ? member.clock.after(3 * member.electionMs, lost) : undefined;
  });
  return () => {
    timer?.cancel();
    stopListening();
  };
}
