import { exitCodes } from "./component.ts";

/**
 * The flags of etcd. `text`, `list` (commas), `number`, `switch`, `duration` are used; `accepted` ones mean nothing here, so
 * any value does no harm; `only` ones ask for something that is not supported, and take only the value that asks for nothing.
 */
type Kind =
  | { readonly kind: "text" | "list" | "number" | "switch" | "milliseconds" | "duration" | "accepted" }
  | { readonly kind: "only"; readonly values: readonly string[] };

const text: Kind = { kind: "text" };
const list: Kind = { kind: "list" };
const number: Kind = { kind: "number" };
const toggle: Kind = { kind: "switch" };
const milliseconds: Kind = { kind: "milliseconds" };
const duration: Kind = { kind: "duration" };
const accepted: Kind = { kind: "accepted" };
const only = (...values: string[]): Kind => ({ kind: "only", values });

const flags = {
  name: text,
  "data-dir": text,
  "wal-dir": text,
  "snapshot-count": number,
  "snapshot-catchup-entries": number,
  "heartbeat-interval": milliseconds,
  "election-timeout": milliseconds,
  "listen-peer-urls": list,
  "listen-client-urls": list,
  "initial-advertise-peer-urls": list,
  "advertise-client-urls": list,
  "initial-cluster": list,
  "initial-cluster-state": text,
  "initial-cluster-token": text,
  "strict-reconfig-check": toggle,
  "pre-vote": toggle,
  "max-learners": number,
  "quota-backend-bytes": number,
  "max-txn-ops": number,
  "max-request-bytes": number,
  "watch-progress-notify-interval": duration,
  "experimental-watch-progress-notify-interval": duration,
  "cert-file": text,
  "key-file": text,
  "client-cert-auth": toggle,
  "trusted-ca-file": text,
  "peer-cert-file": text,
  "peer-key-file": text,
  "peer-client-cert-auth": toggle,
  "peer-trusted-ca-file": text,
  "log-level": text,
  "reported-version": text,
  // What follows has no counterpart here: there is no bbolt, no Go runtime and no v2.
  ...Object.fromEntries(
    [
      ...["initial-election-tick-advance", "max-wals", "max-snapshots", "backend-bbolt-freelist-type", "enable-v2"],
      ...["backend-batch-interval", "backend-batch-limit", "max-concurrent-streams", "grpc-keepalive-min-time"],
      ...["grpc-keepalive-interval", "grpc-keepalive-timeout", "socket-reuse-port", "socket-reuse-address"],
      ...["raft-read-timeout", "raft-write-timeout", "memory-mlock", "logger", "log-outputs", "log-format"],
      ...["enable-pprof", "metrics", "auth-token", "bcrypt-cost", "auth-token-ttl", "warning-apply-duration"],
      ...["warning-unary-request-duration", "compaction-batch-limit", "compaction-sleep-interval", "feature-gates"],
      ...[
        "bootstrap-defrag-threshold-megabytes",
        "downgrade-check-time",
        "enable-grpc-gateway",
        "auto-compaction-mode",
      ],
      ...["self-signed-cert-validity", "peer-skip-client-san-verification"],
    ].map((name) => [name, accepted]),
  ),
  "auto-compaction-retention": only("0", "0s", "0h"),
  "corrupt-check-time": only("0", "0s"),
  "initial-corrupt-check": only("false"),
  "compact-hash-check-time": accepted,
  "force-new-cluster": only("false"),
  "unsafe-no-fsync": only("false"),
  "auto-tls": only("false"),
  "peer-auto-tls": only("false"),
  "client-crl-file": only(""),
  "peer-crl-file": only(""),
  "peer-cert-allowed-cn": only(""),
  "peer-cert-allowed-hostname": only(""),
  "client-cert-allowed-hostname": only(""),
  "cipher-suites": only(""),
  "tls-min-version": only("", "TLS1.2"),
  "tls-max-version": only(""),
  cors: only("*", ""),
  "host-whitelist": only("*", ""),
  "listen-metrics-urls": only(""),
  "listen-client-http-urls": only(""),
  discovery: only(""),
  "discovery-srv": only(""),
  "discovery-endpoints": only(""),
  "config-file": only(""),
  "enable-distributed-tracing": only("false"),
  "enable-log-rotation": only("false"),
} as const satisfies Readonly<Record<string, Kind>>;

const known: Readonly<Record<string, Kind | undefined>> = flags;

export class EtcdFlags {
  readonly #given: ReadonlyMap<string, string>;

  constructor(given: ReadonlyMap<string, string>) {
    this.#given = given;
  }

  text(name: string, otherwise = ""): string {
    return this.#given.get(name) ?? otherwise;
  }

  list(name: string, otherwise: readonly string[] = []): readonly string[] {
    const value = this.#given.get(name);
    return value === undefined ? otherwise : value.split(",").map((part) => part.trim());
  }

  number(name: string): number | undefined {
    const value = this.#given.get(name);
    if (value === undefined) return undefined;
    if (!/^-?\d+$/.test(value)) usage(`--${name} takes a whole number, not "${value}"`);
    return Number(value);
  }

  switch(name: string): boolean | undefined {
    const value = this.#given.get(name);
    if (value === undefined) return undefined;
    if (!["true", "false", "1", "0", "t", "f"].includes(value)) usage(`--${name} is true or false, not "${value}"`);
    return ["true", "1", "t"].includes(value);
  }

  /** Go's form, such as `1m30s`; in milliseconds. */
  duration(name: string): number | undefined {
    const value = this.#given.get(name);
    if (value === undefined) return undefined;
    const units: Readonly<Record<string, number>> = {
      h: 3_600_000,
      m: 60_000,
      s: 1000,
      ms: 1,
      us: 0.001,
      ns: 0.000_001,
    };
    const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ms|us|ns|h|m|s)/g)];
    if (value !== "0" && parts.map(([part]) => part).join("") !== value) usage(`--${name} takes a time such as 1m30s`);
    return parts.reduce((sum, [, count, unit]) => sum + Number(count) * units[unit!]!, 0);
  }
}

/** Reads flags as Go does (one dash or two, `=` or the next word; a switch takes no next word), then the environment. */
export function parseEtcdFlags(args: readonly string[], environment: NodeJS.ProcessEnv): EtcdFlags {
  const given = new Map<string, string>();
  for (let at = 0; at < args.length; at++) {
    const argument = args[at]!;
    const match = /^--?([^=-][^=]*)(?:=([\s\S]*))?$/.exec(argument);
    if (match === null) usage(`what is "${argument}"?`);
    const [, name = "", value] = match;
    const kind = known[name];
    if (kind === undefined) usage(`there is no flag --${name}`);
    if (value !== undefined) given.set(name, value);
    else if (kind.kind === "switch" || (["accepted", "only"].includes(kind.kind) && isSwitch(args[at + 1])))
      given.set(name, "true");
    else if (at + 1 < args.length) given.set(name, args[++at]!);
    else usage(`--${name} needs a value`);
  }
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith("ETCD_") || value === undefined) continue;
    const name = variable.slice("ETCD_".length).toLowerCase().replaceAll("_", "-");
    if (known[name] === undefined) continue;
    if (given.has(name)) usage(`${variable} is shadowed by --${name}: give one of them`);
    given.set(name, value);
  }
  for (const [name, value] of given) {
    const kind = known[name]!;
    if (kind.kind === "only" && !kind.values.includes(value)) usage(`--${name}=${value} is not supported here`);
  }
  return new EtcdFlags(given);
}

/** A flag that is accepted may be a switch: then no value follows, but the next flag, or nothing. */
function isSwitch(next: string | undefined): boolean {
  return next === undefined || next.startsWith("-");
}

export function usage(what: string): never {
  process.stderr.write(`flotilla etcd: ${what}. \`flotilla etcd --help\` lists the flags. [Usage]\n`);
  process.exit(exitCodes.usage);
}

export const flagNames = Object.keys(flags);
