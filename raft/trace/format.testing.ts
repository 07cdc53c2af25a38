import { fromUtf8 } from "../../base/mod.ts";
import { decodeRound } from "../readonly.ts";
import { type ConfState, type Entry, EntryType, type Message, MessageType, type NodeId } from "../types.ts";

const names = new Map<number, string>(Object.entries(MessageType).map(([name, type]) => [type, name]));

/** `1->2 MsgApp term 2, after 1/4: 2/5 "a", commit 4`: a place in the log is term/index. */
export function formatMessage(m: Message): string {
  const details = detailsOf(m);
  return `${m.from}->${m.to} ${names.get(m.type)}${m.term === 0 ? "" : ` term ${m.term}`}${details === "" ? "" : `, ${details}`}`;
}

function detailsOf(m: Message): string {
  switch (m.type) {
    case MessageType.MsgApp:
      return `after ${m.logTerm}/${m.index}: ${m.entries.map(formatEntry).join(" ") || "nothing"}, commit ${m.commit}`;
    case MessageType.MsgAppResp:
      if (m.reject) return `rejects ${m.index}, try ${m.logTerm}/${m.rejectHint}`;
      return `has ${m.index}${m.context.length > 0 ? `, ${fromUtf8(m.context)}` : ""}`;
    case MessageType.MsgVote:
    case MessageType.MsgPreVote:
      return `log ends ${m.logTerm}/${m.index}${m.context.length > 0 ? `, ${fromUtf8(m.context)}` : ""}`;
    case MessageType.MsgVoteResp:
    case MessageType.MsgPreVoteResp:
      return m.reject ? "no" : "yes";
    case MessageType.MsgHeartbeat:
      return `commit ${m.commit}${roundOf(m)}`;
    case MessageType.MsgHeartbeatResp:
      return roundOf(m).slice(2);
    case MessageType.MsgSnap: {
      const { term = 0, index = 0, confState } = m.snapshot?.metadata ?? {};
      return `${term}/${index} ${confState === undefined ? "" : formatConfState(confState)}`;
    }
    case MessageType.MsgProp:
      return m.entries.map(({ data }) => `"${fromUtf8(data)}"`).join(" ");
    case MessageType.MsgReadIndex:
      return `"${m.entries.map(({ data }) => fromUtf8(data)).join()}"`;
    case MessageType.MsgReadIndexResp:
      return `"${m.entries.map(({ data }) => fromUtf8(data)).join()}" at ${m.index}`;
    default:
      return "";
  }
}

function roundOf(m: Message): string {
  const round = decodeRound(m.context);
  return round === undefined ? "" : `, round ${round}`;
}

export function formatEntry(entry: Entry): string {
  const place = `${entry.term}/${entry.index}`;
  if (entry.data.length === 0) return entry.type === EntryType.EntryNormal ? place : `${place} leave joint`;
  return `${place} "${fromUtf8(entry.data)}"`;
}

export function formatConfState({ voters, votersOutgoing, learners, learnersNext }: ConfState): string {
  const ids = (label: string, list: readonly NodeId[]) => (list.length === 0 ? "" : ` ${label} ${list.join(",")}`);
  return (
    `voters ${voters.join(",")}` +
    `${ids("outgoing", votersOutgoing)}${ids("learners", learners)}${ids("learners next", learnersNext)}`
  );
}
