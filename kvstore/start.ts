import { Failure } from "../base/mod.ts";
import type { Auth } from "./auth/mod.ts";
import { AuditLog } from "./rpc/audit-log.ts";
import { type Call, createGrpcServer, type GrpcServer } from "./rpc/grpc/mod.ts";
import { ClientHttp } from "./rpc/http/client-http.ts";
import { countClients, readCalls, timeCalls, together } from "./rpc/metrics/calls.ts";
import { readMember } from "./rpc/metrics/member.ts";
import { readProcess } from "./rpc/metrics/process.ts";
import { slowCalls } from "./rpc/slow-calls.ts";
import { machineClock } from "./server/machine-clock.ts";
import { Member } from "./server/member.ts";
import { defaults, type MemberOptions } from "./server/options.ts";
import { addressOf, cannotListen, listenAddressOf, removeOldSocket } from "./server/peer/network.ts";
import { checkCall, maxRequestBytesOf, servicesOf } from "./services.ts";

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
  const services = servicesOf(member, () => server);
  readMember({ member, ...services });
  readCalls(member.metrics.registry, () => server);
  readProcess(member.metrics.registry);
  const http = new ClientHttp({ member, server: () => server, metrics: () => member.metrics.registry.text() });
  const countClient = countClients(member.metrics);
  const server: GrpcServer = createGrpcServer({
    services: services.implementations,
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
    maxRequestBytes: maxRequestBytesOf(member),
    clock: member.clock,
    log: options.log,
  });
  shutDown = () => {
    services.stop();
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
        services.stop();
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

function openAuditLog({ auditLog: path, log, world }: MemberOptions, auth: () => Auth): AuditLog | undefined {
  if (path === undefined) return undefined;
  const userOf = (call: Call) => {
    const caller = auth().callerOf(call);
    return typeof caller === "object" ? caller.username : undefined;
  };
  return new AuditLog({ path, clock: world?.clock ?? machineClock, log, userOf });
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
