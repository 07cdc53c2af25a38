import { toUtf8 } from "../base/mod.ts";
import { MessageType } from "./types.ts";

/** In a vote request: the leader itself asked for this campaign. The same bytes as in etcd. */
export const transferContext = toUtf8("CampaignTransfer");

/**
 * In the acknowledgement of an append: the sender's state machine is damaged. It takes no more entries before a snapshot at
 * the index it acknowledges, or later (raft-rs has a field for it).
 */
export const snapshotRequest = toUtf8("RequestSnapshot");

/**
 * Answers wait until what they speak of is durable: a vote, entries, and the term itself (thesis §3.8). Rejections wait
 * too: they tell of a term or a vote just the same. So do vote requests: a candidate that forgot the end of its log and
 * its term could campaign in that term again with less, and win by answers to the first request.
 */
export function waitsForDisk(type: MessageType): boolean {
  switch (type) {
    case MessageType.MsgAppResp:
    case MessageType.MsgVote:
    case MessageType.MsgVoteResp:
    case MessageType.MsgPreVoteResp:
      return true;
    default:
      return false;
  }
}

/** Speaks of a term that the sender is not in (yet), so it says which. */
export function namesItsTerm(type: MessageType): boolean {
  switch (type) {
    case MessageType.MsgVote:
    case MessageType.MsgVoteResp:
    case MessageType.MsgPreVote:
    case MessageType.MsgPreVoteResp:
      return true;
    default:
      return false;
  }
}

/** Carries no term: it is meant for the leader, whoever that is when it arrives. */
export function isPassedOn(type: MessageType): boolean {
  return type === MessageType.MsgProp || type === MessageType.MsgReadIndex;
}
