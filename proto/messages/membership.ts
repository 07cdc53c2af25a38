import { bigUint64, bool, embedded, named, repeated, string } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";

export const RaftAttributes = message("membershippb.RaftAttributes", {
  peerUrls: repeated(string(1)),
  isLearner: bool(2),
});
export type RaftAttributes = Infer<typeof RaftAttributes>;

export const Attributes = message("membershippb.Attributes", { name: string(1), clientUrls: repeated(string(2)) });
export type Attributes = Infer<typeof Attributes>;

export const Member = message("membershippb.Member", {
  id: named("ID", bigUint64(1)),
  raftAttributes: embedded(2, () => RaftAttributes),
  memberAttributes: embedded(3, () => Attributes),
});
export type Member = Infer<typeof Member>;

export const ClusterVersionSetRequest = message("membershippb.ClusterVersionSetRequest", { ver: string(1) });
export type ClusterVersionSetRequest = Infer<typeof ClusterVersionSetRequest>;

export const ClusterMemberAttrSetRequest = message("membershippb.ClusterMemberAttrSetRequest", {
  memberID: named("member_ID", bigUint64(1)),
  memberAttributes: embedded(2, () => Attributes),
});
export type ClusterMemberAttrSetRequest = Infer<typeof ClusterMemberAttrSetRequest>;

export const DowngradeInfoSetRequest = message("membershippb.DowngradeInfoSetRequest", {
  enabled: bool(1),
  ver: string(2),
});
export type DowngradeInfoSetRequest = Infer<typeof DowngradeInfoSetRequest>;
