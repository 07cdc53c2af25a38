import { bigInt64, bool, bytes, clampedInt64, embedded, int64, named, repeated, string } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";
import { ResponseHeader } from "./header.ts";

export const LeaseGrantRequest = message("etcdserverpb.LeaseGrantRequest", {
  ttl: named("TTL", clampedInt64(1)),
  id: named("ID", bigInt64(2)),
});
export type LeaseGrantRequest = Infer<typeof LeaseGrantRequest>;

export const LeaseGrantResponse = message("etcdserverpb.LeaseGrantResponse", {
  header: embedded(1, () => ResponseHeader),
  id: named("ID", bigInt64(2)),
  ttl: named("TTL", int64(3)),
  error: string(4),
});
export type LeaseGrantResponse = Infer<typeof LeaseGrantResponse>;

export const LeaseRevokeRequest = message("etcdserverpb.LeaseRevokeRequest", { id: named("ID", bigInt64(1)) });
export type LeaseRevokeRequest = Infer<typeof LeaseRevokeRequest>;

export const LeaseRevokeResponse = message("etcdserverpb.LeaseRevokeResponse", {
  header: embedded(1, () => ResponseHeader),
});
export type LeaseRevokeResponse = Infer<typeof LeaseRevokeResponse>;

export const LeaseKeepAliveRequest = message("etcdserverpb.LeaseKeepAliveRequest", { id: named("ID", bigInt64(1)) });
export type LeaseKeepAliveRequest = Infer<typeof LeaseKeepAliveRequest>;

export const LeaseKeepAliveResponse = message("etcdserverpb.LeaseKeepAliveResponse", {
  header: embedded(1, () => ResponseHeader),
  id: named("ID", bigInt64(2)),
  ttl: named("TTL", int64(3)),
});
export type LeaseKeepAliveResponse = Infer<typeof LeaseKeepAliveResponse>;

export const LeaseTimeToLiveRequest = message("etcdserverpb.LeaseTimeToLiveRequest", {
  id: named("ID", bigInt64(1)),
  keys: bool(2),
});
export type LeaseTimeToLiveRequest = Infer<typeof LeaseTimeToLiveRequest>;

export const LeaseTimeToLiveResponse = message("etcdserverpb.LeaseTimeToLiveResponse", {
  header: embedded(1, () => ResponseHeader),
  id: named("ID", bigInt64(2)),
  ttl: named("TTL", int64(3)),
  grantedTTL: named("grantedTTL", int64(4)),
  keys: repeated(bytes(5)),
});
export type LeaseTimeToLiveResponse = Infer<typeof LeaseTimeToLiveResponse>;

export const LeaseLeasesRequest = message("etcdserverpb.LeaseLeasesRequest", {});
export type LeaseLeasesRequest = Infer<typeof LeaseLeasesRequest>;

export const LeaseStatus = message("etcdserverpb.LeaseStatus", { id: named("ID", bigInt64(1)) });
export type LeaseStatus = Infer<typeof LeaseStatus>;

export const LeaseLeasesResponse = message("etcdserverpb.LeaseLeasesResponse", {
  header: embedded(1, () => ResponseHeader),
  leases: repeated(embedded(2, () => LeaseStatus)),
});
export type LeaseLeasesResponse = Infer<typeof LeaseLeasesResponse>;
