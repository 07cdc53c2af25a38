import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { Failure, parseGoDuration } from "../base/mod.ts";
import type { MemberOptions } from "../kvstore/mod.ts";
import type { EtcdArguments } from "./etcd-arguments.ts";
import type { FlagName } from "./etcd-flags.ts";

export type PlainOptions = Omit<MemberOptions, "log" | "onFailure" | "clientTls" | "peerTls">;

/** What a configuration may not say, in the original's words. */
export class ConfigError extends Failure {
  constructor(message: string, advice = "Correct the flag, or see `flotilla etcd --help`") {
    super("ConfigInvalid", message, advice);
  }
}

/** Where each flag's value goes. Rejects with a `ConfigError` what does not make sense. */
export function memberOptions(flags: EtcdArguments): PlainOptions {
  const name = flags.text("name");
  const listenPeerUrls = bindUrls(flags, "listen-peer-urls");
  const listenClientUrls = bindUrls(flags, "listen-client-urls");
  const advertisePeerUrls = hostUrls(flags, "initial-advertise-peer-urls", listenPeerUrls);
  return {
    name,
    dataDir: dataDir(flags),
    walDir: flags.text("wal-dir") || undefined,
    listenPeerUrls,
    listenClientUrls,
    advertisePeerUrls,
    advertiseClientUrls: advertisedClientUrls(flags, listenClientUrls),
    initialCluster: initialCluster(flags, advertisePeerUrls),
    initialClusterState: clusterState(flags),
    initialClusterToken: flags.text("initial-cluster-token"),
    ...electionTimes(flags),
    initialElectionTickAdvance: flags.switch("initial-election-tick-advance"),
    snapshotCount: flags.number("snapshot-count"),
    snapshotCatchupEntries: flags.number("snapshot-catchup-entries"),
    maxWals: flags.number("max-wals"),
    quotaBytes: flags.number("quota-backend-bytes"),
    autoDisarmNospace: flags.switch("auto-disarm-nospace"),
    backendBatchIntervalMs: flags.duration("backend-batch-interval") || undefined,
    backendBatchLimit: flags.number("backend-batch-limit") || undefined,
    maxTxnOps: flags.number("max-txn-ops"),
    maxRequestBytes: flags.number("max-request-bytes"),
    maxConcurrentStreams: flags.number("max-concurrent-streams"),
    keepalive: {
      minTimeMs: flags.duration("grpc-keepalive-min-time"),
      intervalMs: flags.duration("grpc-keepalive-interval"),
      timeoutMs: flags.duration("grpc-keepalive-timeout"),
    },
    http: {
      listenUrls: bindUrls(flags, "listen-client-http-urls"),
      metricsUrls: bindUrls(flags, "listen-metrics-urls"),
      cors: flags.list("cors"),
      hostWhitelist: flags.list("host-whitelist"),
      gateway: flags.switch("enable-grpc-gateway"),
      profiles: flags.switch("enable-pprof"),
    },
    extensiveMetrics: metricsDetail(flags),
    auditLog: flags.text("audit-log") || undefined,
    reusePort: flags.switch("socket-reuse-port"),
    // Never shorter than the default: members tell each other every 1.5 s that they live.
    peerReadTimeoutMs: Math.max(flags.duration("raft-read-timeout"), 5000),
    maxLearners: flags.number("max-learners"),
    autoPromoteLearners: flags.switch("auto-promote-learners"),
    electionPriority: electionPriority(flags),
    strictReconfigCheck: flags.switch("strict-reconfig-check"),
    preVote: flags.switch("pre-vote"),
    autoCompaction: autoCompaction(flags),
    compaction: {
      batchLimit: flags.number("compaction-batch-limit") || undefined,
      sleepMs: flags.duration("compaction-sleep-interval"),
    },
    initialCorruptCheck: flags.gate("InitialCorruptCheck"),
    corruptCheckMs: flags.duration("corrupt-check-time"),
    compactHashCheckMs: flags.gate("CompactHashCheck") ? compactHashCheckMs(flags) : 0,
    leaseCheckpoints: leaseCheckpoints(flags),
    watchProgressIntervalMs: flags.duration("watch-progress-notify-interval"),
    warningApplyMs: flags.duration("warning-apply-duration"),
    warningUnaryMs: flags.duration("warning-unary-request-duration"),
    bootstrapDefragMegabytes: flags.number("bootstrap-defrag-threshold-megabytes"),
    forceNewCluster: flags.switch("force-new-cluster"),
    unsafeNoFsync: flags.switch("unsafe-no-fsync"),
    auth: {
      token: flags.text("auth-token"),
      simpleTokenTtlMs: flags.number("auth-token-ttl") * 1000,
      bcryptCost: flags.number("bcrypt-cost"),
      byCertificate: flags.switch("client-cert-auth"),
    },
    version: flags.text("reported-version"),
  };
}

function metricsDetail(flags: EtcdArguments): boolean {
  const detail = flags.text("metrics");
  if (detail === "basic" || detail === "extensive") return detail === "extensive";
  throw new ConfigError(`unexpected metrics ${JSON.stringify(detail)}`, "--metrics is basic or extensive");
}

export function dataDir(flags: EtcdArguments): string {
  return flags.text("data-dir") || `${flags.text("name")}.etcd`;
}

function electionTimes(flags: EtcdArguments) {
  const heartbeatMs = flags.number("heartbeat-interval");
  const electionMs = flags.number("election-timeout");
  if (heartbeatMs < 1) throw new ConfigError(`--heartbeat-interval must be >0 (set to ${heartbeatMs}ms)`);
  if (electionMs < 1) throw new ConfigError(`--election-timeout must be >0 (set to ${electionMs}ms)`);
  if (5 * heartbeatMs > electionMs) {
    throw new ConfigError(
      `--election-timeout[${electionMs}ms] should be at least as 5 times as --heartbeat-interval[${heartbeatMs}ms]`,
    );
  }
  const most = 50_000;
  if (electionMs > most) {
    throw new ConfigError(`--election-timeout[${electionMs}ms] is too long, and should be set less than ${most}ms`);
  }
  return { heartbeatMs, electionMs };
}

function electionPriority(flags: EtcdArguments): number {
  const priority = flags.number("election-priority");
  if (priority < 0) throw new ConfigError(`--election-priority must be >=0 (set to ${priority})`);
  return priority;
}

function clusterState(flags: EtcdArguments): "new" | "existing" {
  const state = flags.text("initial-cluster-state");
  if (state === "new" || state === "existing") return state;
  throw new ConfigError(
    `unexpected clusterState ${JSON.stringify(state)}`,
    "--initial-cluster-state is new or existing",
  );
}

function autoCompaction(flags: EtcdArguments): MemberOptions["autoCompaction"] {
  const mode = flags.text("auto-compaction-mode");
  const text = flags.text("auto-compaction-retention");
  if (mode === "") throw new ConfigError("undefined auto-compaction-mode");
  if (mode !== "periodic" && mode !== "revision") {
    throw new ConfigError(`unknown auto-compaction-mode ${JSON.stringify(mode)}`, "It is periodic or revision");
  }
  if (/^\d+$/.test(text)) {
    const plain = Number(text);
    if (plain === 0) return undefined;
    return mode === "revision" ? { mode, retention: plain } : { mode, retentionMs: plain * 3_600_000 };
  }
  const retentionMs = parseGoDuration(text);
  if (retentionMs === undefined || mode === "revision") {
    throw new ConfigError(
      `error parsing auto-compaction-retention: ${JSON.stringify(text)}`,
      "Give a time such as 5m, or a number",
    );
  }
  return retentionMs === 0 ? undefined : { mode, retentionMs };
}

function compactHashCheckMs(flags: EtcdArguments): number {
  const ms = flags.duration("compact-hash-check-time");
  if (ms <= 0) throw new ConfigError("--compact-hash-check-time must be >0 (set to 0s)");
  return ms;
}

function leaseCheckpoints(flags: EtcdArguments): boolean {
  const on = flags.gate("LeaseCheckpoint");
  if (flags.gate("LeaseCheckpointPersist") && !on) {
    throw new ConfigError(
      "enabling feature gate LeaseCheckpointPersist requires enabling feature gate LeaseCheckpoint",
    );
  }
  return on;
}

/** Of a member that was given a name alone: itself. */
function initialCluster(flags: EtcdArguments, own: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const given = flags.list("initial-cluster");
  const ways = [flags.text("initial-cluster"), flags.text("discovery-srv"), flags.text("discovery-endpoints")];
  if (ways.filter((way) => way !== "").length > 1) {
    throw new ConfigError(
      'multiple discovery or bootstrap flags are set. Choose one of "initial-cluster", "discovery-endpoints" or "discovery-srv"',
    );
  }
  if ((flags.text("discovery-token") === "") !== (flags.text("discovery-endpoints") === "")) {
    throw new ConfigError("both --discovery-token and --discovery-endpoints must be set");
  }
  return given.length === 0 ? new Map([[flags.text("name"), own]]) : clusterOf(given);
}

/** `a=http://x:1,a=http://y:1,b=http://z:1`: the peer URLs of each name. */
export function clusterOf(parts: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const members = new Map<string, string[]>();
  for (const part of parts) {
    const equals = part.indexOf("=");
    const [name, url] = [part.slice(0, equals), part.slice(equals + 1)];
    if (equals < 1 || hostOf(url) === undefined) {
      throw new ConfigError(`error setting up initial cluster: "${part}" is not NAME=URL`);
    }
    members.set(name, [...(members.get(name) ?? []), url]);
  }
  return members;
}

function advertisedClientUrls(flags: EtcdArguments, listening: readonly string[]): readonly string[] {
  if (!flags.given("advertise-client-urls") && flags.given("listen-client-urls")) {
    throw new ConfigError("--advertise-client-urls is required when --listen-client-urls is set explicitly");
  }
  return hostUrls(flags, "advertise-client-urls", listening);
}

/** URLs to be told to others: with a host, and this machine's where the default would be told of a member that listens everywhere. */
function hostUrls(flags: EtcdArguments, name: FlagName, listening: readonly string[]): readonly string[] {
  const urls = urlsOf(flags, name);
  const listensEverywhere = hostOf(listening[0] ?? "")?.host === "0.0.0.0";
  if (flags.given(name) || !listensEverywhere) return urls;
  const host = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === "IPv4" && !one.internal)?.address;
  return host === undefined ? urls : [`http://${host}:${hostOf(listening[0] as string)?.port}`];
}

function bindUrls(flags: EtcdArguments, name: FlagName): readonly string[] {
  return urlsOf(flags, name).map((url) => {
    const host = hostOf(url)?.host;
    if (host === undefined || host === "" || host === "localhost" || isIP(host) !== 0) return url;
    throw new ConfigError(`expected IP in URL for binding (${url})`, `Give --${name} an address of this machine`);
  });
}

export function urlsOf(flags: EtcdArguments, name: FlagName): readonly string[] {
  const urls = flags.list(name);
  const wrong = urls.find((url) => hostOf(url) === undefined);
  if (wrong === undefined) return urls;
  throw new ConfigError(
    `--${name} ${JSON.stringify(wrong)} must be "host:port"`,
    "Give a URL such as http://127.0.0.1:2379",
  );
}

/** Undefined if it is no URL that members or clients use; the host of a unix socket is "". */
function hostOf(url: string): { readonly host: string; readonly port: string } | undefined {
  if (/^unixs?:\/\/./.test(url)) return { host: "", port: "" };
  // As it stands, since `URL` leaves out a port that is the scheme's own.
  const [, host, port] = /^https?:\/\/(\[[0-9a-fA-F:.%]+\]|[^:/?#@[\]]+):(\d{1,5})\/?$/.exec(url) ?? [];
  return host === undefined || port === undefined ? undefined : { host: host.replace(/^\[|\]$/g, ""), port };
}
