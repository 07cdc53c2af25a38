import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { Failure } from "../../base/mod.ts";

/** The program that members are: anything with etcd's flags. */
export interface Store {
  /** As reports call it. */
  readonly name: string;
  readonly program: string;
  readonly version: string;
}

const ours = resolve(import.meta.dirname, "../..", "bin/etcd");

/** Ours, or what is at the path (or by that name in $PATH). Throws `NoStore` for what cannot tell its version. */
export function storeAt(path: string | undefined): Store {
  const program = path === undefined ? ours : path.includes("/") ? resolve(path) : path;
  const { stdout, error, status } = spawnSync(program, ["--version"], { encoding: "utf8", timeout: 20_000 });
  const version = /etcd Version:\s*(\S+)/i.exec(stdout ?? "")?.[1];
  if (error !== undefined || status !== 0 || version === undefined)
    throw new Failure(
      "NoStore",
      `${program} is no etcd: ${error?.message ?? `--version said ${JSON.stringify((stdout ?? "").slice(0, 80))}`}`,
      "--etcd names an etcd binary, or a program with its flags",
    );
  return { name: program === ours ? "flotilla" : "etcd", program, version };
}

/** One member's command line. */
export interface MemberFlags {
  readonly name: string;
  readonly dataDir: string;
  readonly clientUrl: string;
  readonly listenPeerUrl: string;
  readonly advertisePeerUrl: string;
  readonly initialCluster: string;
  readonly state: "new" | "existing";
  readonly token: string;
}

/** Impatient, with small logs: what happens in a day in production happens in seconds. */
const pace = [
  ...["--heartbeat-interval", "50", "--election-timeout", "500", "--snapshot-count", "200"],
  // Clients here look often whether a silent connection still is one.
  ...["--grpc-keepalive-min-time", "200ms"],
];

export function commandOf({ program }: Store, flags: MemberFlags, extra: readonly string[]): string[] {
  return [
    ...[program, "--name", flags.name, "--data-dir", flags.dataDir],
    ...["--listen-client-urls", flags.clientUrl, "--advertise-client-urls", flags.clientUrl],
    ...["--listen-peer-urls", flags.listenPeerUrl, "--initial-advertise-peer-urls", flags.advertisePeerUrl],
    ...["--initial-cluster", flags.initialCluster, "--initial-cluster-state", flags.state],
    ...["--initial-cluster-token", flags.token, ...pace, ...extra],
  ];
}

export function walDirOf(dataDir: string): string {
  return join(dataDir, "member", "wal");
}
