import { access, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { assert, Failure, fromUtf8, type Log, toUtf8 } from "../../base/mod.ts";
import { check, type Database } from "../bbolt/mod.ts";
import { importRecords, LevelHome } from "../mvcc/mod.ts";
import { toJson } from "../server/json.ts";
import { type ClusterMember, confStateToJson, memberFromJson } from "../server/membership.ts";
import { etcdBuckets, ownRecords, type StateRecord } from "../snap/mod.ts";
import { nodeFiles, type Replay, replay } from "../wal/mod.ts";
import { asGo, SnapshotFile } from "./snapshot-file.ts";

export interface ImportOptions {
  /** Of an etcd that does not run. */
  readonly dataDir: string;
  /** Default: in the data directory. */
  readonly walDir?: string;
  readonly log: Log;
}

/**
 * Takes over the data directory of a stopped etcd, in place: the member starts here with the flags it had there, and is who it was. The log
 * stays as it is, so that what etcd had acknowledged and not yet written to its database is applied at the start. etcd's file is
 * kept beside as `db.etcd`. All members of a cluster have to come over: they do not talk to those of etcd. Rejects with a `Failure`.
 */
export async function importDataDir({
  dataDir,
  walDir = join(dataDir, "member", "wal"),
  log,
}: ImportOptions): Promise<void> {
  const path = join(dataDir, "member", "snap", "db");
  const [kept, incoming] = [`${path}.etcd`, `${path}.importing`];
  // A crash between the two renames at the end leaves no `db`.
  const source = (await isThere(path)) || !(await isThere(kept)) ? path : kept;
  if ((await stat(source).catch(unreadable(source))).isDirectory()) {
    throw refused(`${dataDir} is a data directory of this store already`, "Start a member on it");
  }
  await refuseIfInUse(source);
  const found = await replay(nodeFiles, walDir);
  if (found === undefined) throw refused(`${walDir} has no log`, "Give --wal-dir, or restore a snapshot instead");
  const file = await SnapshotFile.open(source);
  try {
    const errors = await check(file.database);
    if (errors.length > 0) throw refused(`${source} is damaged: ${errors[0]}`, "Restore a snapshot instead");
    await rm(incoming, { recursive: true, force: true });
    const engine = await new LevelHome(incoming).open();
    await importRecords(engine, stateOf(file.database, found)).finally(() => engine.close());
  } finally {
    await file.close();
  }
  if (source === path) await rename(path, kept);
  await rename(incoming, path);
  await nodeFiles.syncDirectory(join(dataDir, "member", "snap"));
  log("info", "took over the data directory of an etcd", { "data-dir": dataDir, kept });
}

async function* stateOf({ root }: Database, log: Replay): AsyncGenerator<readonly StateRecord[]> {
  for (const bucket of etcdBuckets) {
    for await (const run of (await root.bucket(toUtf8(bucket)))?.entries() ?? []) {
      yield run.map(({ key, value }) => ({ bucket, key, value }));
    }
  }
  const meta = await root.bucket(toUtf8("meta"));
  const consistentIndex = await meta?.get(toUtf8("consistent_index"));
  const index = consistentIndex === undefined ? 0 : Number(Buffer.from(consistentIndex).readBigUInt64BE(0));
  const members = await membersIn(root);
  const removed: bigint[] = [];
  for await (const run of (await root.bucket(toUtf8("members_removed")))?.entries() ?? []) {
    for (const { key } of run) removed.push(BigInt(`0x${fromUtf8(key)}`));
  }
  const ids = (isLearner: boolean) => members.filter((member) => member.isLearner === isLearner).map(({ id }) => id);
  // Before 3.5 etcd did not keep the two; later the members are what it goes by as well.
  const confState = { voters: ids(false), learners: ids(true), votersOutgoing: [], learnersNext: [], autoLeave: false };
  const term = Buffer.alloc(8);
  term.writeBigUInt64BE(BigInt(termAt(log, index)));
  const record = (bucket: StateRecord["bucket"], key: string, value: Uint8Array): StateRecord => ({
    bucket,
    key: toUtf8(key),
    value,
  });
  yield [
    record("cluster", ownRecords.memberIds, toUtf8(toJson(members.map(({ id }) => id)))),
    record("cluster", ownRecords.removedIds, toUtf8(toJson(removed))),
    record("meta", "confState", toUtf8(confStateToJson(confState))),
    record("meta", "term", term),
  ];
}

async function membersIn(root: Database["root"]): Promise<readonly ClusterMember[]> {
  const members: ClusterMember[] = [];
  for await (const run of (await root.bucket(toUtf8("members")))?.entries() ?? []) {
    for (const { value } of run) members.push(memberFromJson(fromUtf8(value)));
  }
  return members;
}

function termAt({ entries, snapshots }: Replay, index: number): number {
  if (index === 0) return 0;
  const first = entries[0];
  const entry = first === undefined ? undefined : entries[index - first.index];
  const term = entry?.term ?? snapshots.find((snapshot) => snapshot.index === index)?.term;
  if (term === undefined)
    throw refused(`the log does not reach entry ${index}, where the database ends`, "Restore a snapshot instead");
  assert(entry === undefined || entry.index === index, "entries of a log follow one another");
  return term;
}

/** etcd locks its file with flock, which Node does not know; Linux lists the locks. */
async function refuseIfInUse(path: string): Promise<void> {
  const { ino } = await stat(path);
  const locks = await readFile("/proc/locks", "utf8").catch(() => ""); // not Linux: nobody can tell
  const holder = locks.split("\n").find((line) => line.includes("FLOCK") && line.includes(`:${ino} `));
  if (holder === undefined) return;
  throw refused(`${path} is in use by process ${holder.trim().split(/\s+/)[4]}`, "Stop that etcd first");
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function unreadable(path: string): (error: unknown) => never {
  return (error) => {
    throw asGo("stat", path, error);
  };
}

function refused(why: string, advice: string): Failure {
  return new Failure("ImportRefused", why, advice);
}
