import { assert, type Log } from "../../base/mod.ts";
import { raftpb } from "../../proto/mod.ts";
import { type ConfChange, ConfChangeType, type Entry, EntryType } from "../../raft/mod.ts";
import type { Origin } from "./bootstrap.ts";
import { encodeMemberChange, type Membership } from "./membership.ts";

/**
 * The way out when a majority is lost for good: what this member has becomes a cluster of one. Its log gets entries that remove all
 * others, as if they had been agreed on. All that is in the log counts as agreed on: it may have been, without this member having
 * heard of it, and its client have been told; etcd throws it away.
 */
export async function forceNewCluster(
  origin: Origin,
  applied: number,
  membership: Membership,
  peerUrls: readonly string[],
  log: Log,
): Promise<Origin> {
  const { replay, wal, id } = origin;
  if (replay === undefined) return origin;
  const { entries } = replay;
  const commit = Math.max(entries.at(-1)?.index ?? 0, applied);
  const ids = idsAfter(
    membership,
    entries.filter(({ index }) => index > applied),
  );
  const changes: ConfChange[] = [...ids]
    .filter((other) => other !== id)
    .map((nodeId) => ({ id: 0n, type: ConfChangeType.ConfChangeRemoveNode, nodeId, context: new Uint8Array(0) }));
  if (!ids.has(id)) {
    const member = { id, name: "", peerUrls, clientUrls: [], isLearner: false };
    const context = encodeMemberChange({ member, isPromote: false });
    changes.push({ id: 0n, type: ConfChangeType.ConfChangeAddNode, nodeId: id, context });
  }
  const { term } = replay.hardState;
  assert(term > 0, "a log has a term");
  const forced = changes.map(
    (change, at): Entry => ({
      type: EntryType.EntryConfChange,
      term,
      index: commit + 1 + at,
      data: raftpb.ConfChange.encode(change),
    }),
  );
  const hardState = { ...replay.hardState, commit: commit + forced.length };
  await new Promise<void>((resolve) => wal.append(forced, hardState, resolve));
  log("warn", "forcing restart member", {
    "local-member-id": id.toString(16),
    "commit-index": hardState.commit,
  });
  return { ...origin, replay: { ...replay, entries: [...entries, ...forced], hardState }, peers: [] };
}

/** Who is a member once the entries are applied. */
function idsAfter(membership: Membership, entries: readonly Entry[]): Set<bigint> {
  const ids = new Set(membership.members.map((member) => member.id));
  for (const { type, data } of entries) {
    if (type !== EntryType.EntryConfChange) continue;
    const { nodeId, type: kind } = raftpb.ConfChange.decode(data);
    if (kind === ConfChangeType.ConfChangeRemoveNode) ids.delete(nodeId);
    else if (kind !== ConfChangeType.ConfChangeUpdateNode) ids.add(nodeId);
  }
  return ids;
}
