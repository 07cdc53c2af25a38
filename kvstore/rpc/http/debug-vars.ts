import type { Member } from "../../server/member.ts";

/** `/debug/vars`: what etcd publishes of itself through Go's expvar. Memory is V8's, under Go's names where they mean the same. */
export function debugVars(member: Member): string {
  const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const memstats = {
    Sys: rss,
    HeapSys: heapTotal,
    HeapAlloc: heapUsed,
    External: external,
    ArrayBuffers: arrayBuffers,
  };
  const vars = { cmdline: process.argv, memstats, "raft.status": raftStatus(member) };
  const lines = Object.entries(vars).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  return `{\n${lines.join(",\n")}\n}\n`;
}

const roles = {
  follower: "StateFollower",
  "pre-candidate": "StatePreCandidate",
  candidate: "StateCandidate",
  leader: "StateLeader",
} as const;
type ProgressState = keyof typeof progressStates;
const progressStates = { probe: "StateProbe", replicate: "StateReplicate", snapshot: "StateSnapshot" } as const;

/** As etcd-io/raft prints its status. */
function raftStatus({ host }: Member): object {
  const { id, term, vote, committed, leader, role, applied, progress, transferee } = host.node.status();
  const hex = (id: bigint) => id.toString(16);
  // A leader replicates to itself without being asked; the original says so, ours does not speak of it.
  const stateOf = (member: bigint, state: ProgressState) => (member === id ? "replicate" : state);
  const members = [...progress].map(([member, { match, next, state }]) => [
    hex(member),
    { match, next, state: progressStates[stateOf(member, state)] },
  ]);
  return {
    id: hex(id),
    term,
    vote: hex(vote),
    commit: committed,
    lead: hex(leader),
    raftState: roles[role],
    applied,
    progress: Object.fromEntries(members),
    leadtransferee: hex(transferee),
  };
}
