import { Failure } from "../../base/mod.ts";
import { type ConfState, EntryType, type NodeId } from "../../raft/mod.ts";
import type { Applied } from "../mvcc/mod.ts";
import type { Origin } from "./bootstrap.ts";
import { type AskForMembers, membersOrNobody, urlsOfOthers } from "./join.ts";
import type { MemberOptions } from "./options.ts";

/** Where a member starts whose state is missing: as far as its log says that it had come. */
export interface LostState extends Applied {
  readonly confState: ConfState;
}

/**
 * The state ends before the log begins: the database was lost, or is an old one. The log still knows who this member is and whom it
 * voted for, so it goes on as that, and a snapshot of the leader's takes the place of the state; until then nothing is applied and
 * nobody is served. The same origin if nothing is missing.
 */
export async function findLostState(
  origin: Origin,
  applied: number,
  options: MemberOptions,
  ask: AskForMembers,
): Promise<Origin> {
  const noted = origin.replay?.snapshots.at(-1);
  const first = origin.replay?.entries[0]?.index ?? Number.POSITIVE_INFINITY;
  if (noted === undefined || noted.confState === undefined || applied >= noted.index || first <= applied + 1) {
    return origin;
  }
  if (isAlone(origin.id, noted.confState) && !mayHaveChanged(origin, noted.index)) return origin; // its start says what is wrong
  const peers = await membersOrNobody(urlsOfOthers(options), ask, options.log);
  options.log("warn", "the database is missing or too old; waiting for a snapshot of the leader's", {
    applied,
    had: noted.index,
  });
  const lost = { index: noted.index, term: noted.term, confState: noted.confState };
  return { ...origin, peers, lost };
}

/** Nobody else has the state: who is in the cluster that it began with does not matter. */
function isAlone(id: NodeId, { voters, votersOutgoing, learners }: ConfState): boolean {
  return [...voters, ...votersOutgoing, ...learners].every((one) => one === id);
}

function mayHaveChanged({ replay }: Origin, since: number): boolean {
  return replay!.entries.some(({ type, index }) => type !== EntryType.EntryNormal && index > since);
}

/** The disk holds a database that cannot be opened: what happened, and the way out. */
export function databaseUnreadable(path: string, error: unknown): never {
  if (error instanceof Failure) throw error;
  const cause = (error as { readonly cause?: unknown }).cause ?? error;
  throw new Failure(
    "DatabaseUnreadable",
    `the database in ${path} cannot be opened (${cause instanceof Error ? cause.message : String(cause)})`,
    "Move that directory away and start again: the log brings the state back, or the other members do",
    error,
  );
}
