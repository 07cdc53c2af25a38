import { isFailure } from "../../kvstore/mod.ts";
import { EntryType } from "../../raft/mod.ts";
import type { Cluster } from "./cluster.ts";
import { hold, Violation } from "./hold.ts";
import type { Machine } from "./machine.ts";
import type { Nemesis } from "./nemesis.ts";
import type { Operator } from "./operator.ts";
import type { Observer } from "./timeline.ts";

const second = 1_000_000;
/** After the last fault: how long a cluster may take until all its members have the same again. */
const convergenceUs = 60 * second;
/** What follows it is calm: for so many of the longest election timeouts, nobody but one who was elected already leads. */
const calmElections = 4;

export interface Ending {
  readonly cluster: Cluster;
  readonly nemesis: Nemesis;
  readonly operator: Operator;
  readonly observer: Observer;
  /** Clients that nobody has answered since the faults ended. */
  readonly waiting: () => number;
}

/**
 * The liveness of a run: faults end, of all or of as many members as it takes, and then everything has to come right and to stay so.
 * Gives those of whom that is true.
 */
export async function endWell(ending: Ending): Promise<readonly Machine[]> {
  const { cluster, nemesis, operator } = ending;
  const core = cluster.parameters.ending === "core" ? nemesis.isolateCore() : undefined;
  if (core !== undefined) {
    if (await comesRight(ending, operator.isServedBy(core), () => core)) {
      await staysRight(ending, core);
      return core;
    }
    // A change of membership that was on its way makes a majority of what was none before: then nothing can be asked of it.
    hold(!isMajority(core), "a majority that is well goes on", () => describe(ending, core));
  }
  const everybody = () => cluster.members;
  const isRight = await comesRight(ending, nemesis.mend(), everybody);
  hold(isRight, "a healed cluster converges", () => describe(ending, everybody()));
  await staysRight(ending, everybody());
  // A change of membership that was on its way may only now bring somebody in, or take somebody out.
  return everybody().filter(({ local }) => local !== undefined);
}

/** True once `work` is done, all clients have been answered and the machines have applied the same. */
async function comesRight(
  { cluster, observer, waiting }: Ending,
  work: Promise<void>,
  machines: () => readonly Machine[],
): Promise<boolean> {
  const { timeline } = cluster;
  let isDone = false;
  work.then(
    () => {
      isDone = true;
    },
    (error: unknown) => timeline.fail(error),
  );
  const isRight = () => isDone && waiting() === 0 && hasConverged(cluster, machines());
  await timeline.run(timeline.nowUs + convergenceUs, observer, isRight);
  return isRight();
}

/** Every one of them runs, follows the one leader, and has applied what that has committed. */
export function hasConverged({ leader }: Cluster, machines: readonly Machine[]): boolean {
  const leading = leader?.local?.member;
  if (leading === undefined) return false;
  return machines.every(({ local }) => {
    if (local === undefined) return false;
    const { applied, leadership } = local.member;
    return applied === leading.committed && leadership.leader === leading.id;
  });
}

/**
 * Nobody is elected without need, and terms do not grow, not even those of members that are cut off half: with pre-votes and leaders
 * that ask for their quorum, those come to nothing.
 */
async function staysRight({ cluster, observer }: Ending, machines: readonly Machine[]): Promise<void> {
  const { timeline, ledger, parameters } = cluster;
  const { preVote, electionMs } = parameters.store;
  const outsiders = cluster.members.filter((machine) => !machines.includes(machine));
  if (outsiders.length > 0 && !preVote) return;
  const [leaders, term] = [ledger.counts.leaders, highestTerm(cluster)];
  const forUs = calmElections * 2 * electionMs * 1000;
  await timeline.run(timeline.nowUs + forUs, observer);
  const elected = ledger.counts.leaders - leaders;
  // What was sent under faults may be on its way for a while: one of it may still be of consequence.
  hold(elected <= 1, "leaders stay when nothing breaks", () => `${elected} were elected in ${forUs / second} s`);
  const grown = highestTerm(cluster) - term;
  hold(grown <= 1, "terms stay when nothing breaks", () => `they grew by ${grown} in ${forUs / second} s`);
  for (const { name, local, process } of outsiders) {
    const stillLeads = local?.member.isLeader === true && process!.blockedUntilUs <= timeline.nowUs;
    hold(!stillLeads, "who hears no majority does not lead", () => `${name} still takes itself for the leader`);
  }
}

function highestTerm({ machines }: Cluster): number {
  return Math.max(...machines.map(({ local }) => local?.member.leadership.term ?? 0));
}

/** By all that any of them knows, or might yet find in its log. */
function isMajority(core: readonly Machine[]): boolean {
  const running = core.flatMap(({ local }) => (local === undefined ? [] : [local.member]));
  const ids = new Set(running.map(({ id }) => id));
  return running.every(({ voters, applied, host }) => {
    const { storage } = host;
    const from = Math.max(storage.firstIndex(), applied + 1);
    const mayChange = storage
      .entries(from, storage.lastIndex() + 1, Number.POSITIVE_INFINITY)
      .some(({ type }) => type !== EntryType.EntryNormal);
    return !mayChange && voters.filter(({ id }) => ids.has(id)).length * 2 > voters.length;
  });
}

function describe({ cluster, waiting }: Ending, machines: readonly Machine[]): string {
  const states = cluster.machines.map((machine) => {
    const { name, local, refusal, process } = machine;
    const who = machines.includes(machine) ? name : `(${name})`;
    if (local === undefined) return `${who} ${refusal ?? (process?.alive ? "starting" : "down")}`;
    const { role, term, leader } = local.member.leadership;
    const following = leader === 0n ? "nobody" : leader.toString(16);
    return `${who} ${role} of term ${term} under ${following}, applied ${local.member.applied} of ${local.member.committed}`;
  });
  return `${states.join("; ")}; ${waiting()} clients wait`;
}

/** One log makes one state: the hash of all keys is the same everywhere. */
export async function sameKeys({ cluster, observer }: Ending, well: readonly Machine[]): Promise<void> {
  const { timeline } = cluster;
  const machines = well.filter(({ local }) => local !== undefined);
  const hashes = new Map<string, string>();
  let waiting = machines.length;
  // Leases may still end, at one member a moment before another.
  const revision = Math.min(...machines.map(({ local }) => local!.member.state.store.revision));
  for (const { name, local } of machines) {
    local!.member.state.store.hashKv(revision).then(
      (found) => {
        if (isFailure(found)) timeline.fail(new Violation("every member can be compared", `${name}: ${found.failure}`));
        else hashes.set(name, `${found.hash} at ${found.hashRevision} of ${found.compactRevision}`);
        waiting--;
      },
      (error: unknown) => timeline.fail(error),
    );
  }
  await timeline.run(timeline.nowUs + 30 * second, observer, () => waiting === 0);
  const different = new Set([...hashes.values()].map((hash) => hash.split(" of ")[0]));
  const told = () => [...hashes].map(([name, hash]) => `${name}: ${hash}`).join("; ");
  const compacted = new Set([...hashes.values()].map((hash) => hash.split(" of ")[1]));
  // A compaction is one entry, but removing takes each member its own time.
  hold(waiting === 0, "every member can be compared", told);
  hold(different.size <= 1 || compacted.size > 1, "all members have the same keys", told);
}
