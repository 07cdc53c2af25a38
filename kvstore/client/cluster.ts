import { ClusterService } from "../../proto/mod.ts";
import type { Channel } from "./channel.ts";
import type { ClusterClient } from "./types.ts";

const { memberList, memberAdd, memberRemove, memberUpdate, memberPromote } = ClusterService.methods;

export function clusterClient(channel: Channel): ClusterClient {
  return {
    memberList: ({ linearizable = true } = {}, options) =>
      channel.unary(memberList, { linearizable }, { ...options, isWrite: false }),
    memberAdd: (peerURLs, isLearner = false, options) =>
      channel.unary(memberAdd, { peerURLs, isLearner }, { ...options, isWrite: true }),
    memberRemove: (id, options) => channel.unary(memberRemove, { id }, { ...options, isWrite: true }),
    memberUpdate: (id, peerURLs, options) =>
      channel.unary(memberUpdate, { id, peerURLs }, { ...options, isWrite: true }),
    memberPromote: (id, options) => channel.unary(memberPromote, { id }, { ...options, isWrite: true }),
  };
}
