import type {
  NonResourceAttributes,
  Resource,
  ResourceAttributes,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewStatus,
} from "../../api/mod.ts";
import { status } from "../../api/mod.ts";
import type { Authorizer } from "../auth/rbac.ts";
import type { Attributes } from "../auth/rules.ts";
import type { User } from "../auth/user.ts";
import { fail } from "../fail.ts";
import { decodeBody } from "../handlers/decode-body.ts";
import { encodeStatus } from "../handlers/encode.ts";
import type { Call } from "../http/call.ts";
import type { Reply } from "../http/reply.ts";

interface Asked {
  readonly resourceAttributes?: ResourceAttributes;
  readonly nonResourceAttributes?: NonResourceAttributes;
}

/** May I? (`kubectl auth can-i`) */
export async function selfSubjectAccessReview(resource: Resource, call: Call, authorizer: Authorizer): Promise<Reply> {
  const review = (await decodeBody(call, {
    schema: resource.schema,
    gvk: resource,
  })) as unknown as SelfSubjectAccessReview;
  const answer = decide(resource, review.spec, call.user, authorizer);
  return encodeStatus(call, { ...review, status: answer }, 201);
}

/** May they? Also the local form, which is about one namespace. */
export async function subjectAccessReview(resource: Resource, call: Call, authorizer: Authorizer): Promise<Reply> {
  const review = (await decodeBody(call, { schema: resource.schema, gvk: resource })) as unknown as SubjectAccessReview;
  const { spec } = review;
  const refuse = (field: string, message: string) =>
    fail(status.invalid(resource, "", [{ type: "FieldValueInvalid", field, message }]));
  if (!spec.user && !spec.groups?.length)
    refuse("spec.user", `Invalid value: "": at least one of user or group must be specified`);
  if (resource.namespaced) {
    const asked =
      spec.resourceAttributes ?? refuse("spec.resourceAttributes", "Invalid value: null: must be specified");
    if (asked.namespace !== call.info.namespace)
      refuse(
        "spec.resourceAttributes.namespace",
        `Invalid value: ${JSON.stringify(asked.namespace ?? "")}: must match metadata.namespace`,
      );
  }
  const user: User = {
    name: spec.user ?? "",
    groups: spec.groups ?? [],
    ...(spec.uid && { uid: spec.uid }),
    ...(spec.extra && { extra: spec.extra }),
  };
  return encodeStatus(call, { ...review, status: decide(resource, spec, user, authorizer) }, 201);
}

/** What may I, in this namespace? (`kubectl auth can-i --list`) */
export async function selfSubjectRulesReview(resource: Resource, call: Call, authorizer: Authorizer): Promise<Reply> {
  const review = (await decodeBody(call, {
    schema: resource.schema,
    gvk: resource,
  })) as unknown as SelfSubjectRulesReview;
  const namespace = review.spec.namespace ?? fail(status.badRequest("no namespace on request"));
  const rules = authorizer.rulesFor(call.user, namespace);
  const answer = {
    resourceRules: rules
      .filter(({ resources }) => resources?.length)
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({
        verbs,
        apiGroups,
        resources,
        ...(resourceNames?.length && { resourceNames }),
      })),
    nonResourceRules: rules
      .filter(({ nonResourceURLs }) => nonResourceURLs?.length)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: false,
  };
  return encodeStatus(call, { ...review, status: answer }, 201);
}

function decide(resource: Resource, asked: Asked, user: User, authorizer: Authorizer): SubjectAccessReviewStatus {
  const { resourceAttributes, nonResourceAttributes } = asked;
  if ((resourceAttributes === undefined) === (nonResourceAttributes === undefined)) {
    const message = "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified";
    fail(status.invalid(resource, "", [{ type: "FieldValueInvalid", field: "spec.resourceAttributes", message }]));
  }
  const attributes: Attributes =
    resourceAttributes !== undefined
      ? {
          kind: "resource",
          user,
          verb: resourceAttributes.verb ?? "",
          group: resourceAttributes.group ?? "",
          resource: resourceAttributes.resource ?? "",
          subresource: resourceAttributes.subresource ?? "",
          namespace: resourceAttributes.namespace ?? "",
          name: resourceAttributes.name ?? "",
        }
      : { kind: "path", user, verb: nonResourceAttributes?.verb ?? "", path: nonResourceAttributes?.path ?? "" };
  const { allowed, reason } = authorizer.authorize(attributes);
  return { allowed, ...(reason !== "" && { reason }) };
}
