import { Failure, type Log } from "../../base/mod.ts";
import { raftpb } from "../../proto/mod.ts";
import {
  ConfChangeType,
  type ConfState,
  type Entry,
  EntryType,
  type HardState,
  MemoryStorage,
  noBytes,
} from "../../raft/mod.ts";
import type { Applied } from "../mvcc/mod.ts";
import { type Replay, Wal, type WalOptions } from "../wal/mod.ts";
import { clusterId, memberId } from "./ids.ts";
import { type AskForMembers, membersOrNobody, urlsOfOthers } from "./join.ts";
import type { LostState } from "./lost-state.ts";
import { type ClusterMember, encodeMemberChange } from "./membership.ts";
import type { MemberOptions } from "./options.ts";

/** Who this member is, and its log. */
export interface Origin {
  readonly id: bigint;
  readonly clusterId: bigint;
  readonly wal: Wal;
  /** What the log on disk says; undefined for a member without a past. */
  readonly replay: Replay | undefined;
  /** Of a new cluster: what its log begins with. Empty for a member that joins: the leader tells it everything. */
  readonly initial: readonly Entry[];
  /** Who to talk to before the log has told. */
  readonly peers: readonly ClusterMember[];
  /** Set if the state of this member was lost. */
  readonly lost?: LostState;
}

/** Opens the log of this member, or begins one. Rejects with a `Failure` if the directory is not this member's. */
export async function openOrigin(options: MemberOptions, wal: WalOptions, ask: AskForMembers): Promise<Origin> {
  const opened = await Wal.open(wal);
  if (opened !== undefined) {
    const { nodeID, clusterID } = opened.replay.metadata;
    noteIgnored(options, nodeID, clusterID);
    return { id: nodeID, clusterId: clusterID, wal: opened.wal, replay: opened.replay, initial: [], peers: [] };
  }
  return options.initialClusterState === "new" ? beginCluster(options, wal) : joinCluster(options, wal, ask);
}

/** The initial flags of a member that has a log are ignored, even if they describe another cluster: restored members have such. */
function noteIgnored(options: MemberOptions, id: bigint, cluster: bigint): void {
  const own = options.initialCluster.get(options.name);
  if (options.initialClusterState !== "new" || own === undefined) return;
  const members = [...options.initialCluster.values()].map((urls) => memberId(urls, options.initialClusterToken));
  if (memberId(own, options.initialClusterToken) === id || clusterId(members) === cluster) return;
  options.log("warn", "the data directory has a log: what the flags say of the initial cluster is ignored", {
    "local-member-id": id.toString(16),
    "cluster-id": cluster.toString(16),
    "cluster-id-of-flags": clusterId(members).toString(16),
  });
}

async function beginCluster(options: MemberOptions, walOptions: WalOptions): Promise<Origin> {
  const { initialCluster, initialClusterToken: token } = options;
  ownUrls(options);
  const peers = [...initialCluster].map(([name, peerUrls]) => ({
    id: memberId(peerUrls, token),
    name,
    peerUrls,
    clientUrls: [],
    isLearner: false,
  }));
  peers.sort((a, b) => (a.id < b.id ? -1 : 1));
  const id = memberId(initialCluster.get(options.name)!, token);
  const cluster = clusterId(peers.map((peer) => peer.id));
  // Every member of a new cluster begins with the same entries, so it makes no difference that nobody voted for them.
  const initial = peers.map((member, position): Entry => {
    const context = encodeMemberChange({ member, isPromote: false });
    const change = { id: 0n, type: ConfChangeType.ConfChangeAddNode, nodeId: member.id, context };
    return { type: EntryType.EntryConfChange, term: 1, index: position + 1, data: raftpb.ConfChange.encode(change) };
  });
  // In one with the log itself: a log without them would be taken for that of a member that joins, and wait to be told who leads.
  const beginning = { entries: initial, hardState: initialHardState(initial) };
  const wal = await Wal.create(walOptions, { nodeID: id, clusterID: cluster }, beginning);
  return { id, clusterId: cluster, wal, replay: undefined, initial, peers };
}

async function joinCluster(options: MemberOptions, walOptions: WalOptions, ask: AskForMembers): Promise<Origin> {
  const own = [...ownUrls(options)].sort().join();
  const findSelf = (members: readonly ClusterMember[]) =>
    members.find(({ peerUrls }) => [...peerUrls].sort().join() === own);
  // Whoever was added and has not been started yet has no name.
  const found = await ask(urlsOfOthers(options), (members) => findSelf(members)?.name === "");
  const self = findSelf(found.members);
  if (self === undefined) {
    throw new Failure(
      "NotAMember",
      `the cluster has no member with the peer URLs ${own}`,
      "Add it first (etcdctl member add), with the URLs of --initial-advertise-peer-urls",
    );
  }
  // Its disk was lost, which all others confirm; or this one was removed and added again, and whoever answers lags. With the id of
  // before it would vote a second time.
  if (self.name !== "" && found.unheard.size > 0) {
    throw new Failure(
      "MayBeRemoved",
      `the member with the peer URLs ${own} has been started before, as ${self.id.toString(16)}, and whether it has been removed since only ${[...found.unheard].join(", ")} may know`,
      "Start it again when they answer",
    );
  }
  const wal = await Wal.create(walOptions, { nodeID: self.id, clusterID: found.clusterId });
  return { id: self.id, clusterId: found.clusterId, wal, replay: undefined, initial: [], peers: found.members };
}

/**
 * A member that joins may go down before the log has told it of itself. Then it does not know whom to answer, and whoever leads waits for
 * its answer before sending it anything more: it asks again who there is. The same origin if it knows.
 */
export async function stillJoining(
  origin: Origin,
  knowsItself: boolean,
  options: MemberOptions,
  ask: AskForMembers,
): Promise<Origin> {
  const { id, replay } = origin;
  if (replay === undefined || knowsItself || replay.entries.some((entry) => addsOrRemoves(entry, id))) return origin;
  const others = urlsOfOthers(options);
  if (others.length === 0) return origin;
  const peers = await membersOrNobody(others, ask, options.log, (known) => known.some((member) => member.id === id));
  options.log("info", "joining again, having heard nothing of itself", { members: peers.length });
  return { ...origin, peers };
}

function addsOrRemoves({ type, data }: Entry, id: bigint): boolean {
  return type === EntryType.EntryConfChange && raftpb.ConfChange.decode(data).nodeId === id;
}

function ownUrls(options: MemberOptions): readonly string[] {
  const own = options.initialCluster.get(options.name);
  const sorted = (urls: readonly string[]) => [...urls].sort().join();
  if (own === undefined) {
    throw new Failure(
      "NotInInitialCluster",
      `member "${options.name}" is not in --initial-cluster`,
      "Name it there, or give its name with --name",
    );
  }
  if (sorted(own) !== sorted(options.advertisePeerUrls)) {
    throw new Failure(
      "PeerUrlsDiffer",
      `--initial-cluster has ${own} for "${options.name}", --initial-advertise-peer-urls has ${options.advertisePeerUrls}`,
      "Make them equal",
    );
  }
  return own;
}

function initialHardState(entries: readonly Entry[]): HardState {
  return { term: 1, vote: 0n, commit: entries.length };
}

/**
 * The log as Raft begins with it: what the disk has, from as far back as it goes, and the state machine at `applied`. A state
 * ahead of the log, or one that the log has something else for, was installed from a snapshot when the member went down: then the
 * log begins there.
 */
export function openStorage(origin: Origin, applied: Applied, confState: ConfState, log: Log): MemoryStorage {
  const storage = new MemoryStorage();
  const known = origin.replay?.entries ?? origin.initial;
  const entries = conflicts(known, applied) ? [] : known;
  const hardState = origin.replay?.hardState ?? (entries.length > 0 ? initialHardState(entries) : noHardState);
  const first = entries[0];
  const last = entries.at(-1)?.index ?? 0;
  if (first !== undefined && first.index > applied.index + 1) {
    throw inconsistent(`the log begins at ${first.index}, the state ends at ${applied.index}`);
  }
  // The oldest entry of a log that was cut off at the front stands for all before it: what comes next follows it.
  const reachesBack = first !== undefined && first.index <= applied.index && applied.index <= last;
  const base: Applied = reachesBack ? first : applied;
  const isAhead = origin.replay !== undefined && applied.index > last;
  if (isAhead) {
    log("info", "Recovering from snapshot backend", { "snapshot-index": applied.index, "last-index-of-log": last });
  }
  if (base.index > 0) {
    const metadata = { index: base.index, term: base.term, confState };
    storage.applySnapshot({ data: noBytes, metadata });
  }
  storage.append(entries.filter((entry) => entry.index > base.index));
  const commit = Math.max(hardState.commit, applied.index);
  if (commit > storage.lastIndex())
    throw inconsistent(`the log ends at ${storage.lastIndex()}, and ${commit} was committed`);
  storage.setHardState({ ...hardState, commit });
  if (isAhead) {
    // The entries that come next follow the state: without this the log would have a gap, which the start after this one takes for damage.
    origin.wal.snapshot({ index: applied.index, term: applied.term, confState });
    origin.wal.append([], { ...hardState, commit });
  }
  log("info", "opened the log", {
    first: storage.firstIndex(),
    last: storage.lastIndex(),
    commit,
    applied: applied.index,
  });
  return storage;
}

/** The snapshot was the leader's; what the log has instead, and all behind that, is not. */
function conflicts(entries: readonly Entry[], { index, term }: Applied): boolean {
  const own = entries[index - (entries[0]?.index ?? 0)];
  return own !== undefined && term > 0 && own.term !== term;
}

const noHardState: HardState = { term: 0, vote: 0n, commit: 0 };

function inconsistent(why: string): Failure {
  return new Failure(
    "LogAndStateDiffer",
    `the data directory is inconsistent: ${why}`,
    "Restore it from a backup, or remove the member from the cluster, delete the directory and add it again",
  );
}
