import { randomBytes } from "node:crypto";
import { Failure } from "../base/mod.ts";
import type { LeaseGrantRequest } from "../proto/mod.ts";
import type { Auth, Caller } from "./auth/mod.ts";
import { failpoints } from "./failpoint/mod.ts";
import { fail, WatchHub } from "./mvcc/mod.ts";
import { Access } from "./rpc/access.ts";
import { AuditLog } from "./rpc/audit-log.ts";
import { authService } from "./rpc/auth.ts";
import { clusterService } from "./rpc/cluster.ts";
import { electionService } from "./rpc/election.ts";
import { rpcError } from "./rpc/errors.ts";
import { type Call, createGrpcServer, type GrpcServer } from "./rpc/grpc/mod.ts";
import { guarded } from "./rpc/guard.ts";
import { Headers } from "./rpc/headers.ts";
import { healthService } from "./rpc/health.ts";
import { ClientHttp } from "./rpc/http/client-http.ts";
import { kvService } from "./rpc/kv.ts";
import { leaderLeases } from "./rpc/leader-leases.ts";
import { type LeaseServiceOptions, leaseService, localLeases } from "./rpc/lease.ts";
import { lockService } from "./rpc/lock.ts";
import { maintenanceService } from "./rpc/maintenance.ts";
import { countClients, readCalls, timeCalls, together } from "./rpc/metrics/calls.ts";
import { readMember } from "./rpc/metrics/member.ts";
import { readProcess } from "./rpc/metrics/process.ts";
import { leaseCost, Quota } from "./rpc/quota.ts";
import { slowCalls } from "./rpc/slow-calls.ts";
import { watchServer } from "./rpc/watch.ts";
import { machineClock } from "./server/machine-clock.ts";
import { Member } from "./server/member.ts";
import { defaults, type MemberOptions } from "./server/options.ts";
import { addressOf, cannotListen, listenAddressOf, removeOldSocket } from "./server/peer/network.ts";

const mebibyte = 1024 * 1024;

export interface RunningMember {
  /** Resolves when the member has joined the cluster and serves requests. */
  readonly ready: Promise<void>;
  readonly id: bigint;
  readonly clusterId: bigint;
  readonly isLeader: boolean;
  /** Ports of `listenClientUrls`, in that order: the ones in use where a URL said 0. */
  readonly clientPorts: readonly number[];
  /** Opens the files of logs again, after they were moved away. */
  reopenLogs(): void;
  /** Hands the leadership over, lets clients finish, closes everything. */
  stop(): Promise<void>;
}

/** Starts one member of the store. Rejects with a `Failure` when a port, a certificate, the disk or a flag forbids it. */
export async function startMember(options: MemberOptions): Promise<RunningMember> {
  let shutDown: (() => void) | undefined;
  const onFailure = (error: unknown) => {
    shutDown?.();
    options.onFailure(error);
  };
  // First, since it is what most likely cannot be had.
  const audit = openAuditLog(options, () => member.auth);
  const member: Member = await Member.start({ ...options, onFailure });
  const { services, stopStreams, hub, watchStreams } = serve(member, () => server);
  readMember({ member, hub, watchStreams });
  readCalls(member.metrics.registry, () => server);
  readProcess(member.metrics.registry);
  const http = new ClientHttp({ member, server: () => server, metrics: () => member.metrics.registry.text() });
  const countClient = countClients(member.metrics);
  const server: GrpcServer = createGrpcServer({
    services,
    beforeCall(call) {
      countClient(call);
      checkCall(member, call);
    },
    http1: http.http1,
    upgrade: http.upgrade,
    observer: together([
      timeCalls(member.metrics, options.extensiveMetrics ?? false),
      slowCalls({
        clock: member.clock,
        log: options.log,
        limitMs: options.warningUnaryMs ?? defaults.warningUnaryMs,
      }),
      ...(audit === undefined ? [] : [audit]),
    ]),
    maxConcurrentStreams: options.maxConcurrentStreams,
    keepalive: options.keepalive,
    maxRequestBytes: (options.maxRequestBytes ?? defaults.maxRequestBytes) + mebibyte / 2,
    clock: member.clock,
    log: options.log,
  });
  shutDown = () => {
    stopStreams();
    void http.stop();
    void server.stop();
  };
  try {
    if (options.initialCorruptCheck === true) await member.corruption.initial();
    const clientPorts: number[] = [];
    for (const url of options.listenClientUrls) {
      clientPorts.push(await listen(server, url, options));
      const how = addressOf(url).secure ? "securely" : "insecurely; this is strongly discouraged!";
      options.log("info", `serving client traffic ${how}`, { address: url });
    }
    await http.open((apart, url) => listen(apart, url, options));
    return {
      ready: member.ready.promise,
      id: member.id,
      clusterId: member.clusterId,
      get isLeader() {
        return member.isLeader;
      },
      clientPorts,
      reopenLogs: () => audit?.reopen(),
      async stop() {
        stopStreams();
        // Calls under way are answered first, while there is a member to answer them; new ones go to the others.
        await Promise.all([server.stop(graceMs), http.stop()]);
        await member.stop();
        await audit?.close();
      },
    };
  } catch (error) {
    await member.stop();
    throw error;
  }
}

const graceMs = 500;

/** All services of one member. */
function serve(member: Member, server: () => GrpcServer) {
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
    maxFragmentBytes: (member.options.maxRequestBytes ?? defaults.maxRequestBytes) + mebibyte / 2,
    progressIntervalMs: member.options.watchProgressIntervalMs ?? defaults.watchProgressIntervalMs,
    jitter: Math.random,
    mayWatch: (call, request) => access.watch(call, request),
    hasLeader: () => member.leadership.leader !== 0n,
    onLeaderLost: (lost) => onLeaderLost(member, lost),
  });
  const health = healthService();
  const quota = new Quota(member);
  const services = [
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
  const stopStreams = () => {
    watches.stop();
    health.stop();
    hub.stop();
  };
  return { services, stopStreams, hub, watchStreams: () => watches.streams };
}

function openAuditLog({ auditLog: path, log, clock }: MemberOptions, auth: () => Auth): AuditLog | undefined {
  if (path === undefined) return undefined;
  const userOf = (call: Call) => {
    const caller = auth().callerOf(call);
    return typeof caller === "object" ? caller.username : undefined;
  };
  return new AuditLog({ path, clock: clock ?? machineClock, log, userOf });
}

/** Waits for the login that made the call's token, for as long as for any other entry. */
function pendingLogin(member: Member, access: Access, call: Call): Promise<void> | undefined {
  const index = access.pendingLogin(call);
  return index === undefined ? undefined : member.whenApplied(index, requestTimeoutMs(member));
}

function requestTimeoutMs({ electionMs }: Member): number {
  return 5000 + 2 * electionMs;
}

function leases(member: Member, headers: Headers, quota: Quota, access: Access) {
  const shared: Pick<LeaseServiceOptions, "lessor" | "confirmLeadership"> = {
    lessor: () => member.state.lessor,
    confirmLeadership: () =>
      new Promise((resolve) => member.linearizable((failure) => resolve(failure === undefined && member.isLeader))),
  };
  return leaseService({
    ...shared,
    clock: member.clock,
    header: () => headers.current(),
    drawLeaseId: () => BigInt.asUintN(63, randomBytes(8).readBigUInt64BE()),
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
    requestTimeoutMs: requestTimeoutMs(member),
  });
}

/** What holds for all calls: those that ask for a leader need one, and a learner answers little. */
function checkCall(member: Member, call: Call): void {
  if (failpoints.armed) failpoints.stop("afterIsMemberExist");
  if (call.metadata("hasleader") === "true" && member.leadership.leader === 0n) throw rpcError("NoLeader");
  if (member.isLearner && !learnerMethods.has(call.method.path)) throw rpcError("NotSupportedForLearner");
}

const learnerMethods = new Set([
  "/etcdserverpb.KV/Range",
  "/etcdserverpb.Maintenance/Status",
  "/etcdserverpb.Maintenance/Snapshot",
  "/grpc.health.v1.Health/Check",
  "/grpc.health.v1.Health/Watch",
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

async function listen(server: GrpcServer, url: string, { clientTls, reusePort }: MemberOptions): Promise<number> {
  const found = listenAddressOf(url);
  const { secure, ...address } = found;
  if (secure && clientTls === undefined) {
    const why = `TLS key/cert (--cert-file, --key-file) must be provided for client url ${url} with HTTPS scheme`;
    throw new Failure("ClientTlsMissing", why, "Give --cert-file and --key-file");
  }
  try {
    await removeOldSocket(found);
    return (await server.listen({ ...address, reusePort, ...(secure && { tls: clientTls }) })).port;
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw cannotListen(url, error as NodeJS.ErrnoException);
  }
}
