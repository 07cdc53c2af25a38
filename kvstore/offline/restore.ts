import { mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Failure, type Log, toUtf8 } from "../../base/mod.ts";
import { raftpb } from "../../proto/mod.ts";
import { ConfChangeType, type Entry, EntryType } from "../../raft/mod.ts";
import type { Database } from "../bbolt/mod.ts";
import {
  type BackendRecord,
  fromByteString,
  importRecords,
  LevelHome,
  parseRevisionKey,
  revisionKey,
} from "../mvcc/mod.ts";
import { toJson } from "../server/json.ts";
import { type ClusterMember, confStateToJson, encodeMemberChange, memberToJson } from "../server/membership.ts";
import { etcdBuckets, ownRecords, type StateRecord } from "../snap/mod.ts";
import { nodeFiles, Wal } from "../wal/mod.ts";
import { checkMember, type InitialCluster, idOf, membersOf } from "./initial-cluster.ts";
import { SnapshotFile } from "./snapshot-file.ts";

export interface RestoreOptions {
  /** A file of `snapshot save`, from this store or from etcd, or the database file of a stopped etcd. */
  readonly snapshot: string;
  readonly cluster: InitialCluster;
  readonly name: string;
  readonly advertisePeerUrls: readonly string[];
  readonly dataDir: string;
  /** Default: in the data directory. */
  readonly walDir?: string;
  /** Take the file as it is, also without a checksum. */
  readonly skipHashCheck: boolean;
  /** The store goes on so many revisions later, and everything before is compacted: clients never see revisions fall. */
  readonly bumpRevision: number;
  readonly log: Log;
}

/** Makes the data directory of one member of a new cluster that has the state of a snapshot; it starts with the flags of a fresh member. The
 * directory appears when it is complete. Rejects with a `Failure`. */
export async function restoreSnapshot(options: RestoreOptions): Promise<void> {
  const { snapshot, cluster, name, dataDir, log, skipHashCheck } = options;
  checkMember(cluster, name, options.advertisePeerUrls);
  await checkEmpty(dataDir, options.walDir);
  const walDir = options.walDir ?? join(dataDir, "member", "wal");
  log("info", "restoring snapshot", { path: snapshot, "wal-dir": walDir, "data-dir": dataDir });
  const file = await SnapshotFile.open(snapshot);
  const incoming = `${dataDir}.restoring-${process.pid}`;
  try {
    if (!skipHashCheck) await file.verify();
    const members = membersOf(cluster);
    await mkdir(join(incoming, "member"), { recursive: true, mode: 0o700 });
    await importState(join(incoming, "member", "snap", "db"), stateOf(file.database, members, options.bumpRevision));
    await writeLog(options.walDir ?? join(incoming, "member", "wal"), name, members);
    await putInPlace(incoming, dataDir);
  } catch (error) {
    // Nothing was there before: what is there now is ours.
    await rm(incoming, { recursive: true, force: true });
    await rm(walDir, { recursive: true, force: true });
    throw error;
  } finally {
    await file.close();
  }
  log("info", "restored snapshot", { path: snapshot, "wal-dir": walDir, "data-dir": dataDir });
}

async function checkEmpty(dataDir: string, walDir: string | undefined): Promise<void> {
  const used = async (directory: string) => (await namesIn(directory)).length > 0;
  if (await used(dataDir)) throw refused(`data-dir ${JSON.stringify(dataDir)} not empty or could not be read`);
  if (walDir !== undefined && (await used(walDir))) throw refused(`wal-dir ${JSON.stringify(walDir)} exists`);
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return ["a file"];
    throw error;
  }
}

async function importState(path: string, records: AsyncGenerator<readonly BackendRecord[]>): Promise<void> {
  const engine = await new LevelHome(path).open();
  try {
    await importRecords(engine, records);
  } finally {
    await engine.close();
  }
}

/** All of the file, but for who was a member there; then who is one now. */
async function* stateOf(
  database: Database,
  members: readonly ClusterMember[],
  bumpRevision: number,
): AsyncGenerator<readonly StateRecord[]> {
  let revision = 1;
  for (const bucket of etcdBuckets) {
    if (bucket === "members" || bucket === "members_removed") continue;
    const found = await database.root.bucket(toUtf8(bucket));
    for await (const run of found?.entries() ?? []) {
      yield run.map(({ key, value }) => ({ bucket, key, value }));
      if (bucket === "key") revision = parseRevisionKey(run.at(-1)!.key).main;
    }
  }
  if (bumpRevision > 0) yield bumped(revision + bumpRevision);
  yield membershipRecords(members);
}

/** As etcd bumps: a version of no key, and the order to compact up to it. */
function bumped(revision: number): readonly StateRecord[] {
  const key = fromByteString(revisionKey(revision, 0, false));
  return [
    { bucket: "key", key, value: new Uint8Array(0) },
    { bucket: "meta", key: toUtf8("scheduledCompactRev"), value: key },
  ];
}

/** The state stands where the log of a new cluster begins: behind the entries that add its members. */
function membershipRecords(members: readonly ClusterMember[]): readonly StateRecord[] {
  const record = (bucket: StateRecord["bucket"], key: string, value: Uint8Array): StateRecord => ({
    bucket,
    key: toUtf8(key),
    value,
  });
  const voters = members.map(({ id }) => id);
  return [
    ...members.map((member) => record("members", member.id.toString(16), toUtf8(memberToJson(member)))),
    record("cluster", ownRecords.memberIds, toUtf8(toJson(voters))),
    record("cluster", ownRecords.removedIds, toUtf8(toJson([]))),
    record(
      "meta",
      "confState",
      toUtf8(confStateToJson({ voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false })),
    ),
    record("meta", "consistent_index", uint64(members.length)),
    record("meta", "term", uint64(firstTerm)),
  ];
}

const firstTerm = 1;

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** A log as a new cluster begins it, with all its members. */
async function writeLog(directory: string, name: string, members: readonly ClusterMember[]): Promise<void> {
  const self = members.find((member) => member.name === name)!;
  let failure: Error | undefined;
  const onFailure = (error: Error) => {
    failure = error;
  };
  const wal = await Wal.create(
    { files: nodeFiles, directory, onFailure },
    { nodeID: self.id, clusterID: idOf(members) },
  );
  const entries = members.map((member, position): Entry => {
    const context = encodeMemberChange({ member, isPromote: false });
    const change = { id: 0n, type: ConfChangeType.ConfChangeAddNode, nodeId: member.id, context };
    return {
      type: EntryType.EntryConfChange,
      term: firstTerm,
      index: position + 1,
      data: raftpb.ConfChange.encode(change),
    };
  });
  wal.append(entries, { term: firstTerm, vote: members[0]!.id, commit: entries.length });
  const confState = {
    voters: members.map(({ id }) => id),
    learners: [],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
  wal.snapshot({ index: entries.length, term: firstTerm, confState });
  await wal.close();
  if (failure !== undefined) throw failure;
}

async function putInPlace(incoming: string, dataDir: string): Promise<void> {
  if ((await namesIn(dataDir)).length === 0) await rmdir(dataDir).catch(ignoreMissing);
  await mkdir(dirname(dataDir), { recursive: true });
  await rename(incoming, dataDir);
  await nodeFiles.syncDirectory(dirname(dataDir) || ".");
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}

function refused(why: string): Failure {
  return new Failure("RestoreRefused", why, "Choose another directory, or remove what is there");
}
