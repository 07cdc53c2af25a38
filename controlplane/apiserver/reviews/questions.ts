import type { Resource } from "../../api/mod.ts";
import type { Authenticator } from "../auth/authenticate.ts";
import type { Authorizer } from "../auth/rbac.ts";
import type { Call } from "../http/call.ts";
import type { Reply } from "../http/reply.ts";
import type { Registry } from "../registry/served.ts";
import type { Writer } from "../registry/writer.ts";
import { bind } from "../subresources/binding.ts";
import { selfSubjectAccessReview, selfSubjectRulesReview, subjectAccessReview } from "./access.ts";
import { selfSubjectReview, tokenReview } from "./identity.ts";

export interface QuestionsOptions {
  readonly authorizer: Authorizer;
  readonly authenticator: Authenticator;
  readonly registry: Registry;
  readonly writer: Writer;
  readonly issuer: string;
  readonly now: () => number;
}

/** Kinds that are asked and not stored, by plural. */
export function questionHandlers(
  options: QuestionsOptions,
): Readonly<Record<string, (resource: Resource, call: Call) => Promise<Reply>>> {
  const { authorizer, authenticator, registry, writer, issuer, now } = options;
  return {
    selfsubjectaccessreviews: (resource, call) => selfSubjectAccessReview(resource, call, authorizer),
    subjectaccessreviews: (resource, call) => subjectAccessReview(resource, call, authorizer),
    localsubjectaccessreviews: (resource, call) => subjectAccessReview(resource, call, authorizer),
    selfsubjectrulesreviews: (resource, call) => selfSubjectRulesReview(resource, call, authorizer),
    selfsubjectreviews: selfSubjectReview,
    tokenreviews: (resource, call) => tokenReview(resource, call, authenticator, issuer),
    // The old place of pods/binding.
    bindings: (_resource, call) => bind(registry.need("", "v1", "pods"), call, writer, now),
  };
}
