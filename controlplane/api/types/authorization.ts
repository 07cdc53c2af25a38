import { always, atomic, boolean, given, list, map, one, packageOf, required, string, strings } from "../schema/dsl.ts";
import type { Infer } from "../schema/field.ts";
import { ObjectMeta } from "./meta/object-meta.ts";
import { FieldSelectorRequirement, LabelSelectorRequirement } from "./meta/selector.ts";

const { kind, message } = packageOf("io.k8s.api.authorization.v1", "authorization.k8s.io", "v1");

export const FieldSelectorAttributes = message("FieldSelectorAttributes", {
  rawSelector: string(1),
  requirements: list<FieldSelectorRequirement>(2, FieldSelectorRequirement, atomic),
});
export interface FieldSelectorAttributes extends Infer<typeof FieldSelectorAttributes> {}

export const LabelSelectorAttributes = message("LabelSelectorAttributes", {
  rawSelector: string(1),
  requirements: list<LabelSelectorRequirement>(2, LabelSelectorRequirement, atomic),
});
export interface LabelSelectorAttributes extends Infer<typeof LabelSelectorAttributes> {}

export const NonResourceAttributes = message("NonResourceAttributes", {
  path: string(1),
  verb: string(2),
});
export interface NonResourceAttributes extends Infer<typeof NonResourceAttributes> {}

export const ResourceAttributes = message("ResourceAttributes", {
  namespace: string(1),
  verb: string(2),
  group: string(3),
  version: string(4),
  resource: string(5),
  subresource: string(6),
  name: string(7),
  fieldSelector: one<FieldSelectorAttributes>(8, FieldSelectorAttributes),
  labelSelector: one<LabelSelectorAttributes>(9, LabelSelectorAttributes),
});
export interface ResourceAttributes extends Infer<typeof ResourceAttributes> {}

export const SubjectAccessReviewSpec = message("SubjectAccessReviewSpec", {
  resourceAttributes: one<ResourceAttributes>(1, ResourceAttributes),
  nonResourceAttributes: one<NonResourceAttributes>(2, NonResourceAttributes),
  user: string(3),
  groups: list(4, string, atomic),
  extra: map(5, strings),
  uid: string(6),
});
export interface SubjectAccessReviewSpec extends Infer<typeof SubjectAccessReviewSpec> {}

export const SubjectAccessReviewStatus = message("SubjectAccessReviewStatus", {
  allowed: required(boolean(1)),
  denied: boolean(4),
  reason: string(2),
  evaluationError: string(3),
});
export interface SubjectAccessReviewStatus extends Infer<typeof SubjectAccessReviewStatus> {}

export const LocalSubjectAccessReview = kind(
  "LocalSubjectAccessReview",
  "Asks whether a user may do something within one namespace.",
  {
    metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
    spec: required(one<SubjectAccessReviewSpec>(2, SubjectAccessReviewSpec, always)),
    status: one<SubjectAccessReviewStatus>(3, SubjectAccessReviewStatus, always),
  },
);
export interface LocalSubjectAccessReview extends Infer<typeof LocalSubjectAccessReview> {}

export const NonResourceRule = message("NonResourceRule", {
  verbs: required(list(1, string, atomic)),
  nonResourceURLs: list(2, string, atomic),
});
export interface NonResourceRule extends Infer<typeof NonResourceRule> {}

export const ResourceRule = message("ResourceRule", {
  verbs: required(list(1, string, atomic)),
  apiGroups: list(2, string, atomic),
  resources: list(3, string, atomic),
  resourceNames: list(4, string, atomic),
});
export interface ResourceRule extends Infer<typeof ResourceRule> {}

export const SelfSubjectAccessReviewSpec = message("SelfSubjectAccessReviewSpec", {
  resourceAttributes: one<ResourceAttributes>(1, ResourceAttributes),
  nonResourceAttributes: one<NonResourceAttributes>(2, NonResourceAttributes),
});
export interface SelfSubjectAccessReviewSpec extends Infer<typeof SelfSubjectAccessReviewSpec> {}

export const SelfSubjectAccessReview = kind("SelfSubjectAccessReview", "Asks whether the caller may do something.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: required(one<SelfSubjectAccessReviewSpec>(2, SelfSubjectAccessReviewSpec, always)),
  status: one<SubjectAccessReviewStatus>(3, SubjectAccessReviewStatus, always),
});
export interface SelfSubjectAccessReview extends Infer<typeof SelfSubjectAccessReview> {}

export const SelfSubjectRulesReviewSpec = message("SelfSubjectRulesReviewSpec", {
  namespace: string(1),
});
export interface SelfSubjectRulesReviewSpec extends Infer<typeof SelfSubjectRulesReviewSpec> {}

export const SubjectRulesReviewStatus = message("SubjectRulesReviewStatus", {
  resourceRules: required(list<ResourceRule>(1, ResourceRule, atomic)),
  nonResourceRules: required(list<NonResourceRule>(2, NonResourceRule, atomic)),
  incomplete: required(boolean(3)),
  evaluationError: string(4),
});
export interface SubjectRulesReviewStatus extends Infer<typeof SubjectRulesReviewStatus> {}

export const SelfSubjectRulesReview = kind(
  "SelfSubjectRulesReview",
  "Lists what the caller may do within a namespace.",
  {
    metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
    spec: required(one<SelfSubjectRulesReviewSpec>(2, SelfSubjectRulesReviewSpec, always)),
    status: one<SubjectRulesReviewStatus>(3, SubjectRulesReviewStatus, always),
  },
);
export interface SelfSubjectRulesReview extends Infer<typeof SelfSubjectRulesReview> {}

export const SubjectAccessReview = kind("SubjectAccessReview", "Asks whether a user may do something.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: required(one<SubjectAccessReviewSpec>(2, SubjectAccessReviewSpec, always)),
  status: one<SubjectAccessReviewStatus>(3, SubjectAccessReviewStatus, always),
});
export interface SubjectAccessReview extends Infer<typeof SubjectAccessReview> {}
