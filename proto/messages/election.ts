import { bigInt64, bytes, embedded, int64 } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";
import { ResponseHeader } from "./header.ts";
import { KeyValue } from "./mvcc.ts";

export const LeaderKey = message("v3electionpb.LeaderKey", {
  name: bytes(1),
  key: bytes(2),
  rev: int64(3),
  lease: bigInt64(4),
});
export type LeaderKey = Infer<typeof LeaderKey>;

export const CampaignRequest = message("v3electionpb.CampaignRequest", {
  name: bytes(1),
  lease: bigInt64(2),
  value: bytes(3),
});
export type CampaignRequest = Infer<typeof CampaignRequest>;

export const CampaignResponse = message("v3electionpb.CampaignResponse", {
  header: embedded(1, () => ResponseHeader),
  leader: embedded(2, () => LeaderKey),
});
export type CampaignResponse = Infer<typeof CampaignResponse>;

export const ProclaimRequest = message("v3electionpb.ProclaimRequest", {
  leader: embedded(1, () => LeaderKey),
  value: bytes(2),
});
export type ProclaimRequest = Infer<typeof ProclaimRequest>;

export const ProclaimResponse = message("v3electionpb.ProclaimResponse", { header: embedded(1, () => ResponseHeader) });
export type ProclaimResponse = Infer<typeof ProclaimResponse>;

export const LeaderRequest = message("v3electionpb.LeaderRequest", { name: bytes(1) });
export type LeaderRequest = Infer<typeof LeaderRequest>;

export const LeaderResponse = message("v3electionpb.LeaderResponse", {
  header: embedded(1, () => ResponseHeader),
  kv: embedded(2, () => KeyValue),
});
export type LeaderResponse = Infer<typeof LeaderResponse>;

export const ResignRequest = message("v3electionpb.ResignRequest", { leader: embedded(1, () => LeaderKey) });
export type ResignRequest = Infer<typeof ResignRequest>;

export const ResignResponse = message("v3electionpb.ResignResponse", { header: embedded(1, () => ResponseHeader) });
export type ResignResponse = Infer<typeof ResignResponse>;
