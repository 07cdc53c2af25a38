import { bigUint64, bool, embedded, named, repeated, string } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";
import { ResponseHeader } from "./header.ts";

export const Member = message("etcdserverpb.Member", {
  id: named("ID", bigUint64(1)),
  name: string(2),
  peerURLs: named("peerURLs", repeated(string(3))),
  clientURLs: named("clientURLs", repeated(string(4))),
  isLearner: named("isLearner", bool(5)),
});
export type Member = Infer<typeof Member>;

export const MemberAddRequest = message("etcdserverpb.MemberAddRequest", {
  peerURLs: named("peerURLs", repeated(string(1))),
  isLearner: named("isLearner", bool(2)),
});
export type MemberAddRequest = Infer<typeof MemberAddRequest>;

export const MemberAddResponse = message("etcdserverpb.MemberAddResponse", {
  header: embedded(1, () => ResponseHeader),
  member: embedded(2, () => Member),
  members: repeated(embedded(3, () => Member)),
});
export type MemberAddResponse = Infer<typeof MemberAddResponse>;

export const MemberRemoveRequest = message("etcdserverpb.MemberRemoveRequest", { id: named("ID", bigUint64(1)) });
export type MemberRemoveRequest = Infer<typeof MemberRemoveRequest>;

export const MemberRemoveResponse = message("etcdserverpb.MemberRemoveResponse", {
  header: embedded(1, () => ResponseHeader),
  members: repeated(embedded(2, () => Member)),
});
export type MemberRemoveResponse = Infer<typeof MemberRemoveResponse>;

export const MemberUpdateRequest = message("etcdserverpb.MemberUpdateRequest", {
  id: named("ID", bigUint64(1)),
  peerURLs: named("peerURLs", repeated(string(2))),
});
export type MemberUpdateRequest = Infer<typeof MemberUpdateRequest>;

export const MemberUpdateResponse = message("etcdserverpb.MemberUpdateResponse", {
  header: embedded(1, () => ResponseHeader),
  members: repeated(embedded(2, () => Member)),
});
export type MemberUpdateResponse = Infer<typeof MemberUpdateResponse>;

export const MemberListRequest = message("etcdserverpb.MemberListRequest", { linearizable: bool(1) });
export type MemberListRequest = Infer<typeof MemberListRequest>;

export const MemberListResponse = message("etcdserverpb.MemberListResponse", {
  header: embedded(1, () => ResponseHeader),
  members: repeated(embedded(2, () => Member)),
});
export type MemberListResponse = Infer<typeof MemberListResponse>;

export const MemberPromoteRequest = message("etcdserverpb.MemberPromoteRequest", { id: named("ID", bigUint64(1)) });
export type MemberPromoteRequest = Infer<typeof MemberPromoteRequest>;

export const MemberPromoteResponse = message("etcdserverpb.MemberPromoteResponse", {
  header: embedded(1, () => ResponseHeader),
  members: repeated(embedded(2, () => Member)),
});
export type MemberPromoteResponse = Infer<typeof MemberPromoteResponse>;
