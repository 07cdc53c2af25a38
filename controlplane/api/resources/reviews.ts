import { SelfSubjectReview, TokenReview } from "../types/authentication.ts";
import {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
} from "../types/authorization.ts";
import {
  validateLocalSubjectAccessReview,
  validateSelfSubjectAccessReview,
  validateSubjectAccessReview,
} from "../validation/others.ts";
import { review } from "./resource.ts";

export const selfSubjectReviews = review<SelfSubjectReview>(SelfSubjectReview, {
  plural: "selfsubjectreviews",
  scope: "Cluster",
});

export const tokenReviews = review<TokenReview>(TokenReview, { plural: "tokenreviews", scope: "Cluster" });

export const localSubjectAccessReviews = review<LocalSubjectAccessReview>(LocalSubjectAccessReview, {
  plural: "localsubjectaccessreviews",
  scope: "Namespaced",
  strategy: { validate: validateLocalSubjectAccessReview },
});

export const selfSubjectAccessReviews = review<SelfSubjectAccessReview>(SelfSubjectAccessReview, {
  plural: "selfsubjectaccessreviews",
  scope: "Cluster",
  strategy: { validate: validateSelfSubjectAccessReview },
});

export const selfSubjectRulesReviews = review<SelfSubjectRulesReview>(SelfSubjectRulesReview, {
  plural: "selfsubjectrulesreviews",
  scope: "Cluster",
});

export const subjectAccessReviews = review<SubjectAccessReview>(SubjectAccessReview, {
  plural: "subjectaccessreviews",
  scope: "Cluster",
  strategy: { validate: validateSubjectAccessReview },
});
