import {
  always,
  atomic,
  boolean,
  explicit,
  given,
  int64,
  list,
  map,
  one,
  packageOf,
  required,
  string,
  strings,
  time,
} from "../schema/dsl.ts";
import type { Infer } from "../schema/field.ts";
import { ObjectMeta } from "./meta/object-meta.ts";

const { kind, message } = packageOf("io.k8s.api.authentication.v1", "authentication.k8s.io", "v1");

export const BoundObjectReference = message("BoundObjectReference", {
  kind: string(1),
  apiVersion: string(2),
  name: string(3),
  uid: string(4),
});
export interface BoundObjectReference extends Infer<typeof BoundObjectReference> {}

export const UserInfo = message("UserInfo", {
  username: string(1),
  uid: string(2),
  groups: list(3, string, atomic),
  extra: map(4, strings),
});
export interface UserInfo extends Infer<typeof UserInfo> {}

export const SelfSubjectReviewStatus = message("SelfSubjectReviewStatus", {
  userInfo: one<UserInfo>(1, UserInfo, always),
});
export interface SelfSubjectReviewStatus extends Infer<typeof SelfSubjectReviewStatus> {}

export const SelfSubjectReview = kind("SelfSubjectReview", "Asks the server who it believes the caller to be.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  status: one<SelfSubjectReviewStatus>(2, SelfSubjectReviewStatus, always),
});
export interface SelfSubjectReview extends Infer<typeof SelfSubjectReview> {}

export const TokenRequestSpec = message("TokenRequestSpec", {
  audiences: list(1, string, atomic),
  expirationSeconds: int64(4, explicit),
  boundObjectRef: one<BoundObjectReference>(3, BoundObjectReference),
});
export interface TokenRequestSpec extends Infer<typeof TokenRequestSpec> {}

export const TokenRequestStatus = message("TokenRequestStatus", {
  token: string(1),
  expirationTimestamp: time(2),
});
export interface TokenRequestStatus extends Infer<typeof TokenRequestStatus> {}

export const TokenRequest = kind("TokenRequest", "Asks for a token of a service account.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: given(one<TokenRequestSpec>(2, TokenRequestSpec, always)),
  status: one<TokenRequestStatus>(3, TokenRequestStatus, always),
});
export interface TokenRequest extends Infer<typeof TokenRequest> {}

export const TokenReviewSpec = message("TokenReviewSpec", {
  token: required(string(1)),
  audiences: list(2, string, atomic),
});
export interface TokenReviewSpec extends Infer<typeof TokenReviewSpec> {}

export const TokenReviewStatus = message("TokenReviewStatus", {
  authenticated: boolean(1),
  user: one<UserInfo>(2, UserInfo, always),
  audiences: list(4, string, atomic),
  error: string(3),
});
export interface TokenReviewStatus extends Infer<typeof TokenReviewStatus> {}

export const TokenReview = kind("TokenReview", "Asks whether a bearer token is valid, and whose it is.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: required(one<TokenReviewSpec>(2, TokenReviewSpec, always)),
  status: one<TokenReviewStatus>(3, TokenReviewStatus, always),
});
export interface TokenReview extends Infer<typeof TokenReview> {}
