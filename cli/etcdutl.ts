import { join } from "node:path";
import { Command, type CommanderError, InvalidArgumentError } from "commander";
import { Failure, type Log } from "../base/mod.ts";
import {
  defragmentDataDir,
  type FileHash,
  hashKvOfFile,
  type InitialCluster,
  importDataDir,
  restoreSnapshot,
  type SnapshotStatus,
  snapshotStatus,
} from "../kvstore/mod.ts";
import { exitCodes } from "./component.ts";
import { humanBytes, type OutputFormat, outputFormats, type Printable, print } from "./etcdutl-output.ts";
import { say } from "./output.ts";
import { reported } from "./version.ts";

/** etcd's, next to 1 for all else. */
const badFeature = 4;
const badArguments = 128;
const defaultPeerUrl = "http://localhost:2380";

/** `flotilla etcdutl`: what is done to snapshots and to data directories of members that do not run; flags, output and exit codes as
 * etcdutl's. */
export async function main(args: string[]): Promise<void> {
  const program = new Command("etcdutl")
    .description("Snapshots and data directories of members that do not run")
    .exitOverride(({ code }: CommanderError) => {
      if (["commander.helpDisplayed", "commander.help"].includes(code)) process.exit(exitCodes.ok);
      const isCount = ["commander.missingArgument", "commander.excessArguments"].includes(code);
      process.exit(isCount ? badArguments : exitCodes.failed);
    })
    .configureOutput({ outputError: (text, write) => write(`Error: ${text.replace(/^error: /, "")}`) })
    .option("-w, --write-out <format>", `set the output format (${outputFormats.join(", ")})`, format, "simple");
  const asked = () => program.opts<{ writeOut: OutputFormat }>().writeOut;

  const snapshot = program
    .command("snapshot")
    .description("Looks at snapshots and makes members of them")
    .copyInheritedSettings(program);
  snapshot
    .command("status <filename>")
    .description("Hash, revision, number of keys and size of a snapshot, which is checked")
    .copyInheritedSettings(program)
    .action((path: string) => orExit(async () => print(ofStatus(await snapshotStatus(path)), asked())));
  const restore = snapshot
    .command("restore <filename>")
    .description("Makes the data directory of one member of a new cluster")
    .copyInheritedSettings(program)
    .option("--name <name>", "the member's name", "default")
    .option("--data-dir <dir>", "where to; NAME.etcd if not given")
    .option("--wal-dir <dir>", "where its log goes, if not into the data directory")
    .option("--initial-advertise-peer-urls <urls>", "the member's peer URLs", list, [defaultPeerUrl])
    .option("--initial-memory-map-size <bytes>", "without meaning here");
  const restoreCluster = snapshot
    .command("restore-cluster <filename>")
    .description("Makes the data directories of all members of a new cluster, DIR/NAME each")
    .copyInheritedSettings(program)
    .requiredOption("--data-root <dir>", "where to");
  for (const command of [restore, restoreCluster]) {
    command
      .option(
        "--initial-cluster <members>",
        "NAME=URL,… of all members of the new cluster",
        members,
        members(`default=${defaultPeerUrl}`),
      )
      .option("--initial-cluster-token <token>", "tells it apart from other clusters", "etcd-cluster")
      .option("--skip-hash-check", "take a file without a checksum, as in a data directory", false)
      .option("--bump-revision <n>", "go on so many revisions later", count, 0)
      .option("--mark-compacted", "give up all revisions before (goes with --bump-revision)", false);
  }
  restore.action((path: string, flags: RestoreFlags) => orExit(() => restoreOne(path, flags)));
  restoreCluster.action((path: string, flags: RestoreClusterFlags) => orExit(() => restoreAll(path, flags)));

  program
    .command("hashkv <filename>")
    .description("HashKV of a snapshot, as members answer it")
    .copyInheritedSettings(program)
    .option("--rev <revision>", "up to this revision; the newest if not given", count, 0)
    .action((path: string, { rev }: { rev: number }) =>
      orExit(async () => print(ofHash(await hashKvOfFile(path, rev)), asked())),
    );
  program
    .command("defrag")
    .description("Tidies the database of a member that does not run")
    .copyInheritedSettings(program)
    .requiredOption("--data-dir <dir>", "the member's")
    .action(({ dataDir }: { dataDir: string }) => orExit(() => defragmentDataDir(dataDir)));
  program
    .command("import")
    .description("Takes over the data directory of a stopped etcd, in place")
    .copyInheritedSettings(program)
    .requiredOption("--data-dir <dir>", "etcd's")
    .option("--wal-dir <dir>", "where its log is, if not in the data directory")
    .action((flags: { dataDir: string; walDir?: string }) => orExit(() => importDataDir({ ...flags, log })));
  program
    .command("version")
    .description("Prints the version")
    .copyInheritedSettings(program)
    .action(() => {
      say(`etcdutl version: ${reported.etcd}`);
      say(`API version: ${reported.etcd.split(".").slice(0, 2).join(".")}`);
    });
  await program.parseAsync(args, { from: "user" });
}

interface CommonFlags {
  readonly initialCluster: InitialCluster["members"];
  readonly initialClusterToken: string;
  readonly skipHashCheck: boolean;
  readonly bumpRevision: number;
  readonly markCompacted: boolean;
}

interface RestoreFlags extends CommonFlags {
  readonly name: string;
  readonly dataDir?: string;
  readonly walDir?: string;
  readonly initialAdvertisePeerUrls: readonly string[];
}

interface RestoreClusterFlags extends CommonFlags {
  readonly dataRoot: string;
}

async function restoreOne(path: string, flags: RestoreFlags): Promise<void> {
  const { name, dataDir = `${name}.etcd`, walDir, initialAdvertisePeerUrls } = flags;
  await restoreSnapshot({ ...common(path, flags), name, dataDir, walDir, advertisePeerUrls: initialAdvertisePeerUrls });
}

/** One after the other; what was made before one failed stays. */
async function restoreAll(path: string, flags: RestoreClusterFlags): Promise<void> {
  const options = common(path, flags);
  for (const [name, advertisePeerUrls] of flags.initialCluster) {
    await restoreSnapshot({ ...options, name, advertisePeerUrls, dataDir: join(flags.dataRoot, name) });
  }
}

function common(snapshot: string, flags: CommonFlags) {
  const { initialCluster, initialClusterToken: token, skipHashCheck, bumpRevision, markCompacted } = flags;
  if (bumpRevision > 0 !== markCompacted) exit(badArguments, "--mark-compacted required if --revision-bump > 0");
  return { snapshot, cluster: { members: initialCluster, token }, skipHashCheck, bumpRevision, log };
}

function ofStatus(status: SnapshotStatus): Printable {
  const { hash, revision, totalKey, totalSize, version } = status;
  return {
    object: { hash, revision, totalKey, totalSize, version },
    fields: [
      ["Hash", hash],
      ["Revision", revision],
      ["Keys", totalKey],
      ["Size", totalSize],
      ["Version", version],
    ],
    header: ["hash", "revision", "total keys", "total size", "version"],
    cells: [hash.toString(16), String(revision), String(totalKey), humanBytes(totalSize), version],
  };
}

function ofHash({ hash, hashRevision, compactRevision }: FileHash): Printable {
  return {
    object: { hash, hashRevision, compactRevision },
    fields: [
      ["Hash", hash],
      ["Hash revision", hashRevision],
      ["Compact revision", compactRevision],
    ],
    header: ["hash", "hash revision", "compact revision"],
    cells: [hash, hashRevision, compactRevision].map(String),
  };
}

/** As etcdutl logs: time, level, message and fields, apart by tabs. */
const log: Log = (level, message, fields = {}) => {
  process.stderr.write(`${new Date().toISOString().slice(0, 19)}Z\t${level}\t${message}\t${JSON.stringify(fields)}\n`);
};

async function orExit(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    exit(exitCodes.failed, error.message);
  }
}

function exit(code: number, why: string): never {
  process.stderr.write(`Error: ${why}\n`);
  process.exit(code);
}

function format(value: string): OutputFormat {
  return outputFormats.find((known) => known === value) ?? exit(badFeature, "unsupported output format");
}

function list(value: string): readonly string[] {
  return value.split(",");
}

function members(value: string): InitialCluster["members"] {
  const found = new Map<string, string[]>();
  for (const part of value.split(",")) {
    const [name, ...url] = part.split("=");
    if (name === undefined || name === "" || !URL.canParse(url.join("=")))
      throw new InvalidArgumentError(`"${part}" is not NAME=URL`);
    found.set(name, [...(found.get(name) ?? []), url.join("=")]);
  }
  return found;
}

function count(value: string): number {
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(Number(value))) throw new InvalidArgumentError("A whole number");
  return Number(value);
}

if (import.meta.main) await main(process.argv.slice(2));
