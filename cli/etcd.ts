import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { Failure } from "../base/mod.ts";
import { type MemberOptions, type PeerTls, startMember } from "../kvstore/mod.ts";
import { exitCodes, failureLine, runComponent } from "./component.ts";
import { type EtcdFlags, flagNames, parseEtcdFlags, usage } from "./etcd-flags.ts";
import { reported } from "./version.ts";

/** `flotilla etcd`: one member of the store, with etcd's flags and environment. */
export async function main(args: string[]): Promise<void> {
  if (args.includes("--help") || args.includes("-h")) return help();
  if (args.includes("--version") || args.includes("-version")) return version();
  const flags = parseEtcdFlags(args, process.env);
  const options = memberOptions(flags);
  await runComponent(
    "etcd",
    async (log) => {
      const member = await startMember({
        ...options,
        ...certificates(flags),
        log,
        onFailure(error) {
          process.stderr.write(`flotilla etcd: ${failureLine(error)}\n`);
          process.exit(exitCodes.failed);
        },
      });
      await member.ready;
      return member;
    },
    flags.text("log-level", "info") === "debug" ? "debug" : "info",
  );
}

type Plain = Omit<MemberOptions, "log" | "onFailure">;

function memberOptions(flags: EtcdFlags): Plain {
  const name = flags.text("name", "default");
  const listenPeerUrls = urls(flags, "listen-peer-urls", "http://localhost:2380");
  const listenClientUrls = urls(flags, "listen-client-urls", "http://localhost:2379");
  const advertisePeerUrls = urls(flags, "initial-advertise-peer-urls", "http://localhost:2380");
  const advertiseClientUrls = urls(flags, "advertise-client-urls", "");
  if (advertiseClientUrls.length === 0 && flags.text("listen-client-urls") !== "") {
    usage("--advertise-client-urls is required when --listen-client-urls is given");
  }
  const state = flags.text("initial-cluster-state", "new");
  if (state !== "new" && state !== "existing") usage(`--initial-cluster-state is new or existing, not "${state}"`);
  const heartbeatMs = flags.number("heartbeat-interval") ?? 100;
  const electionMs = flags.number("election-timeout") ?? 1000;
  if (heartbeatMs < 1 || electionMs < 5 * heartbeatMs)
    usage("--election-timeout is at least 5 times --heartbeat-interval");
  if (electionMs > 50_000) usage("--election-timeout is at most 50000");
  const dataDir = flags.text("data-dir", `${name}.etcd`);
  return {
    name,
    dataDir,
    walDir: flags.text("wal-dir") || undefined,
    listenPeerUrls,
    listenClientUrls,
    advertisePeerUrls,
    advertiseClientUrls: advertiseClientUrls.length === 0 ? listenClientUrls : advertiseClientUrls,
    initialCluster: cluster(flags.list("initial-cluster", [`${name}=${advertisePeerUrls[0]}`])),
    initialClusterState: state,
    initialClusterToken: flags.text("initial-cluster-token", "etcd-cluster"),
    heartbeatMs,
    electionMs,
    snapshotCount: flags.number("snapshot-count"),
    snapshotCatchupEntries: flags.number("snapshot-catchup-entries"),
    quotaBytes: flags.number("quota-backend-bytes"),
    maxTxnOps: flags.number("max-txn-ops"),
    maxRequestBytes: flags.number("max-request-bytes"),
    maxLearners: flags.number("max-learners"),
    strictReconfigCheck: flags.switch("strict-reconfig-check"),
    preVote: flags.switch("pre-vote"),
    watchProgressIntervalMs:
      flags.duration("watch-progress-notify-interval") ?? flags.duration("experimental-watch-progress-notify-interval"),
    version: flags.text("reported-version", reported.etcd),
  };
}

/** `a=http://x:1,a=http://y:1,b=http://z:1`: the peer URLs of each name. */
function cluster(parts: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const members = new Map<string, string[]>();
  for (const part of parts) {
    const [name = "", url = ""] = [part.slice(0, part.indexOf("=")), part.slice(part.indexOf("=") + 1)];
    if (name === "" || !isUrl(url)) usage(`--initial-cluster has "${part}", which is not NAME=URL`);
    members.set(name, [...(members.get(name) ?? []), url]);
  }
  return members;
}

function urls(flags: EtcdFlags, name: string, otherwise: string): readonly string[] {
  const given = flags.list(name, otherwise === "" ? [] : [otherwise]);
  const wrong = given.find((url) => !isUrl(url));
  if (wrong !== undefined) usage(`--${name} has "${wrong}", which is not a URL such as http://127.0.0.1:2379`);
  return given;
}

function isUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol } = new URL(text);
  return protocol.startsWith("unix") || (["http:", "https:"].includes(protocol) && /:\d+\/?$/.test(text));
}

/** Certificates are read here, so that one that cannot be read fails the start with its name. */
function certificates(flags: EtcdFlags): Pick<MemberOptions, "clientTls" | "peerTls"> {
  return { clientTls: tls(flags, ""), peerTls: tls(flags, "peer-") };
}

function tls(flags: EtcdFlags, prefix: "" | "peer-"): PeerTls | undefined {
  const certFile = flags.text(`${prefix}cert-file`);
  const keyFile = flags.text(`${prefix}key-file`);
  const caFile = flags.text(`${prefix}trusted-ca-file`);
  if (certFile === "" && keyFile === "") return undefined;
  if (certFile === "" || keyFile === "") usage(`--${prefix}cert-file and --${prefix}key-file go together`);
  const requireClientCertificate = flags.switch(`${prefix}client-cert-auth`) ?? false;
  if (requireClientCertificate && caFile === "") {
    usage(`--${prefix}client-cert-auth needs --${prefix}trusted-ca-file`);
  }
  const ca = caFile === "" ? {} : { ca: read(caFile) };
  const pems = { cert: read(certFile), key: read(keyFile), ...ca };
  try {
    createSecureContext(pems);
  } catch (error) {
    const why = `${certFile} and ${keyFile} are no certificate and its key: ${(error as Error).message}`;
    throw new Failure("CertificateUnusable", why, "Check that both are PEM files and belong together", error);
  }
  return { ...pems, requireClientCertificate };
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new Failure("FileUnreadable", `cannot read ${file} (${why})`, "Check the path and its permissions", error);
  }
}

function help(): void {
  const lines = flagNames.map((name) => `  --${name}`);
  process.stdout.write(`Usage: flotilla etcd [flags]

One member of the store. Flags are those of etcd, with its defaults; each may be given as ETCD_NAME in the environment instead.

${lines.join("\n")}
`);
}

/** Four lines, as scripts that start etcd expect them. */
function version(): void {
  process.stdout.write(
    `etcd Version: ${reported.etcd}\nGit SHA: none\nGo Version: none (Node ${process.version})\nGo OS/Arch: ${process.platform}/${process.arch}\n`,
  );
}

if (import.meta.main) await main(process.argv.slice(2));
