import { reported } from "./version.ts";

/**
 * The flags of a store member: etcd's, with its defaults. One line here makes a flag: it is then known on the command line, in
 * the environment, in the configuration file and in the help; `etcd-options.ts` says where its value goes.
 */
export interface Flag {
  /** `duration` is Go's (`1m30s`), `list` has commas, `switch` takes its value only behind `=`. */
  readonly kind: "text" | "list" | "number" | "switch" | "duration";
  /** The default, as it would be typed. */
  readonly otherwise: string;
  readonly help: string;
  /** Taken, and without effect: why. */
  readonly without?: string;
  /** What it asks for does not exist here, except for these values, which ask for nothing. */
  readonly only?: readonly string[];
}

const text = (otherwise: string, help: string): Flag => ({ kind: "text", otherwise, help });
const list = (otherwise: string, help: string): Flag => ({ kind: "list", otherwise, help });
const number = (otherwise: number, help: string): Flag => ({ kind: "number", otherwise: String(otherwise), help });
const toggle = (otherwise: boolean, help: string): Flag => ({ kind: "switch", otherwise: String(otherwise), help });
const duration = (otherwise: string, help: string): Flag => ({ kind: "duration", otherwise, help });
const without = (flag: Flag, why: string): Flag => ({ ...flag, without: why });
const only = (flag: Flag, ...values: string[]): Flag => ({ ...flag, only: [flag.otherwise, ...values] });

export const flagGroups = {
  Member: {
    name: text("default", "this member's name"),
    "data-dir": text("", "where its data lies; NAME.etcd if empty"),
    "wal-dir": text("", "where its log lies, if not in the data directory"),
    "snapshot-count": number(10_000, "applied entries after which the log is shortened"),
    "snapshot-catchup-entries": number(5000, "entries that stay in the log for members that lag"),
    "heartbeat-interval": number(100, "milliseconds between two heartbeats of the leader"),
    "election-timeout": number(1000, "milliseconds without a leader before members elect another"),
    "initial-election-tick-advance": toggle(true, "do not wait a whole election timeout after the start"),
    "listen-peer-urls": list("http://localhost:2380", "where other members reach this one"),
    "listen-client-urls": list(
      "http://localhost:2379",
      "where clients reach it: gRPC, and HTTP unless that has URLs of its own",
    ),
    "listen-client-http-urls": list("", "where clients reach it over HTTP; then not at --listen-client-urls"),
    "max-wals": number(
      5,
      "0: files of the log stay, and are read at each start; else they go as soon as nothing needs them",
    ),
    "max-snapshots": without(
      number(5, "how many snapshot files are kept"),
      "there are none: the database is the snapshot",
    ),
    "memory-mlock": toggle(false, "keep the process in memory"),
    "quota-backend-bytes": number(0, "size of the database at which it takes no more; 0: 2 GiB, below 0: no limit"),
    "auto-disarm-nospace": toggle(true, "end the alarm NOSPACE when the database is well below its quota again"),
    "backend-bbolt-freelist-type": without(text("map", "how bbolt keeps its free pages"), "the database is not bbolt"),
    "backend-batch-interval": duration("0s", "how long a change may wait to be written to the database; 0s: 1s"),
    "backend-batch-limit": number(0, "how many changes may; 0: 5000"),
    "max-txn-ops": number(128, "operations in one transaction"),
    "max-request-bytes": number(1_572_864, "size of one request"),
    "max-concurrent-streams": number(4_294_967_295, "calls in progress on one connection"),
    "grpc-keepalive-min-time": duration("5s", "clients that ping more often are disconnected"),
    "grpc-keepalive-interval": duration("2h0m0s", "how often an idle client is pinged; 0s: never"),
    "grpc-keepalive-timeout": duration("20s", "how long it may take to answer; 0s: for ever"),
    "socket-reuse-port": toggle(false, "let other processes listen on the same ports (SO_REUSEPORT)"),
    "socket-reuse-address": without(
      toggle(false, "listen on a port that was just given up (SO_REUSEADDR)"),
      "it is always so",
    ),
    "enable-grpc-gateway": toggle(true, "answer the JSON API"),
    "raft-read-timeout": duration("5s", "silence of a member after which its connection is given up"),
    "raft-write-timeout": without(
      duration("5s", "how long a member may take nothing before its connection is given up"),
      "who takes nothing does not answer either, which --raft-read-timeout is for",
    ),
    "feature-gates": list("", "features that are switched on or off: NAME=true,NAME=false"),
    "reported-version": text(reported.etcd, "the version that clients are told"),
  },
  Clustering: {
    "initial-advertise-peer-urls": list(
      "http://localhost:2380",
      "this member's peer URLs, as the others should use them",
    ),
    "initial-cluster": list("", "the members of a new cluster: NAME=URL,NAME=URL; this member alone if empty"),
    "initial-cluster-state": text("new", "new, or existing: join a cluster that runs"),
    "initial-cluster-token": text("etcd-cluster", "tells clusters apart that have the same members"),
    "advertise-client-urls": list("http://localhost:2379", "this member's client URLs, as clients should use them"),
    discovery: only(text("", "v2 discovery, which is gone")),
    "discovery-fallback": without(text("exit", "what to do when v2 discovery fails"), "v2 discovery is gone"),
    "discovery-proxy": only(text("", "an HTTP proxy for v2 discovery")),
    "discovery-token": text("", "v3 discovery: which cluster to take part in"),
    "discovery-endpoints": list("", "v3 discovery: the store where members find each other"),
    "discovery-dial-timeout": duration("2s", "v3 discovery: how long to wait for a connection"),
    "discovery-request-timeout": duration("5s", "v3 discovery: how long to wait for an answer"),
    "discovery-keepalive-time": without(duration("2s", "v3 discovery: pings"), "the connection is not kept"),
    "discovery-keepalive-timeout": without(duration("6s", "v3 discovery: pings"), "the connection is not kept"),
    "discovery-insecure-transport": toggle(true, "v3 discovery: over plain connections"),
    "discovery-insecure-skip-tls-verify": toggle(false, "v3 discovery: trust any server"),
    "discovery-cert": text("", "v3 discovery: client certificate"),
    "discovery-key": text("", "v3 discovery: its key"),
    "discovery-cacert": text("", "v3 discovery: who signs the server's certificate"),
    "discovery-user": text("", "v3 discovery: USER or USER:PASSWORD"),
    "discovery-password": text("", "v3 discovery: the password"),
    "discovery-srv": text("", "a domain whose SRV records name the members of a new cluster"),
    "discovery-srv-name": text("", "a suffix to the names of the records"),
    "strict-reconfig-check": toggle(true, "refuse changes of membership that would cost the quorum"),
    "pre-vote": toggle(true, "ask whether an election has a chance before holding one"),
    "auto-compaction-mode": text("periodic", "what the retention counts: periodic (time) or revision"),
    "auto-compaction-retention": text("0", "how much history is kept: 5m, 1 (hours), or 1000 revisions; 0: all"),
    "max-learners": number(1, "members that may be learners at a time"),
    "auto-promote-learners": toggle(false, "make voters of learners when they have caught up"),
    "election-priority": number(0, "members of a higher priority take over first when the leader is lost"),
  },
  Security: {
    "cert-file": text("", "certificate shown to clients"),
    "key-file": text("", "its key"),
    "client-cert-file": text("", "certificate shown by this member to itself; --cert-file if empty"),
    "client-key-file": text("", "its key"),
    "client-cert-auth": toggle(false, "refuse clients without a certificate of --trusted-ca-file"),
    "client-crl-file": text("", "client certificates that are revoked"),
    "client-cert-allowed-hostname": list("", "names of which a client's certificate has to have one"),
    "trusted-ca-file": text("", "who signs clients' certificates"),
    "auto-tls": toggle(false, "make a certificate for clients"),
    "peer-cert-file": text("", "certificate shown to other members"),
    "peer-key-file": text("", "its key"),
    "peer-client-cert-file": text("", "certificate shown on connections to them; --peer-cert-file if empty"),
    "peer-client-key-file": text("", "its key"),
    "peer-client-cert-auth": toggle(false, "refuse members without a certificate of --peer-trusted-ca-file"),
    "peer-crl-file": text("", "members' certificates that are revoked"),
    "peer-trusted-ca-file": text("", "who signs members' certificates"),
    "peer-cert-allowed-cn": list("", "common names of which a member's certificate has to have one"),
    "peer-cert-allowed-hostname": list("", "names of which a member's certificate has to have one"),
    "peer-skip-client-san-verification": toggle(false, "do not compare a member's certificate with its address"),
    "peer-auto-tls": toggle(false, "make a certificate for other members"),
    "self-signed-cert-validity": number(1, "years for which certificates made here are good"),
    "cipher-suites": list("", "cipher suites of TLS 1.2, by their names in Go"),
    "tls-min-version": text("TLS1.2", "TLS1.2 or TLS1.3"),
    "tls-max-version": text("", "TLS1.2 or TLS1.3; the newest if empty"),
    cors: list("*", "origins from which browsers may ask; * and empty: all"),
    "host-whitelist": list("*", "names by which HTTP clients may call this member; * and empty: all"),
  },
  Auth: {
    "auth-token": text("simple", "how sessions are proven: simple, or jwt,pub-key=…,priv-key=…,sign-method=…"),
    "bcrypt-cost": number(10, "how dear it is to try a password"),
    "auth-token-ttl": number(300, "seconds a session lives without being used"),
  },
  "Profiling and monitoring": {
    "enable-pprof": toggle(false, "profiles over HTTP, below /debug/pprof/"),
    "audit-log": text("", "a file for one line of JSON per call: who, what, how it ended; none if empty"),
    metrics: text("basic", "basic, or extensive: histograms of calls too"),
    "listen-metrics-urls": list("", "more URLs for /metrics and the health checks"),
  },
  Logging: {
    logger: only(text("zap", "how the log is written"), "flotilla"),
    "log-outputs": list("default", "where to: default, stderr, stdout, or files"),
    "log-level": text("info", "debug, info, warn, error, panic or fatal"),
    "log-format": text("json", "json or console"),
    "enable-log-rotation": toggle(false, "begin another file when the log's has grown"),
    "log-rotation-config-json": text(
      '{"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false}',
      "at which size (MB), and how many old files stay for how many days",
    ),
    "warning-unary-request-duration": duration("300ms", "calls that take longer are logged"),
    "warning-apply-duration": duration("100ms", "requests whose applying takes longer are logged"),
  },
  "Distributed tracing": {
    "enable-distributed-tracing": only(toggle(false, "tell an OpenTelemetry collector of requests")),
    "distributed-tracing-address": without(text("localhost:4317", "the collector"), "there is no tracing"),
    "distributed-tracing-service-name": without(text("etcd", "this service's name there"), "there is no tracing"),
    "distributed-tracing-instance-id": without(text("", "this member's"), "there is no tracing"),
    "distributed-tracing-sampling-rate": without(number(0, "requests in a million"), "there is no tracing"),
  },
  Features: {
    "corrupt-check-time": duration("0s", "how often members compare their keys; 0s: never"),
    "compact-hash-check-time": duration(
      "1m0s",
      "how often they compare them after compactions (gate CompactHashCheck)",
    ),
    "compaction-batch-limit": number(1000, "versions that a compaction removes before it makes a pause"),
    "compaction-sleep-interval": duration("10ms", "the pause"),
    "watch-progress-notify-interval": duration("10m0s", "how often watchers that want it hear that nothing happened"),
    "bootstrap-defrag-threshold-megabytes": number(0, "defragment at the start if that frees so much; 0: do not"),
    "downgrade-check-time": without(
      duration("5s", "how often the leader looks whether a downgrade is finished"),
      "it looks every second",
    ),
  },
  Unsafe: {
    "force-new-cluster": toggle(false, "make this member's data a cluster of one"),
    "unsafe-no-fsync": toggle(false, "do not wait for the disk: a crash of the machine loses data"),
  },
  Start: {
    "config-file": text("", "a YAML file with these names; flags and environment count for nothing then"),
    version: toggle(false, "print the version"),
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Flag>>>>;

type KeysOfUnion<T> = T extends unknown ? keyof T : never;
export type FlagName = KeysOfUnion<(typeof flagGroups)[keyof typeof flagGroups]> & string;

export const flags: Readonly<Record<string, Flag>> = Object.assign({}, ...Object.values(flagGroups));
export const flagNames = Object.keys(flags) as FlagName[];

/** Features that `--feature-gates` knows, and whether they are on. */
export const featureGates = {
  CompactHashCheck: false,
  FastLeaseKeepAlive: true,
  InitialCorruptCheck: false,
  // Off in etcd, where a renewal of every such lease is a write to the log.
  LeaseCheckpoint: true,
  LeaseCheckpointPersist: false,
  PriorityRequest: false,
  SetMemberLocalAddr: false,
  StopGRPCServiceOnDefrag: false,
  TxnModeWriteWithSharedBuffer: true,
} as const satisfies Readonly<Record<string, boolean>>;

export type FeatureGate = keyof typeof featureGates;

/** Switches of 3.6 and before that have become feature gates. */
export const formerGates: Readonly<Record<string, FeatureGate>> = {
  "experimental-initial-corrupt-check": "InitialCorruptCheck",
  "experimental-compact-hash-check-enabled": "CompactHashCheck",
  "experimental-enable-lease-checkpoint": "LeaseCheckpoint",
  "experimental-enable-lease-checkpoint-persist": "LeaseCheckpointPersist",
  "experimental-stop-grpc-service-on-defrag": "StopGRPCServiceOnDefrag",
  "experimental-txn-mode-write-with-shared-buffer": "TxnModeWriteWithSharedBuffer",
};

/** What a flag was called before it had its name: etcd 3.6 still takes these. */
export function currentName(name: string): string {
  const plain = name.replace(/^experimental-/, "");
  return plain !== name && Object.hasOwn(flags, plain) ? plain : name;
}
