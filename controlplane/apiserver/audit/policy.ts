import { parse } from "yaml";
import { Failure } from "../../../base/mod.ts";
import type { User } from "../auth/user.ts";
import type { RequestInfo } from "../http/request-info.ts";

const levels = ["None", "Metadata", "Request", "RequestResponse"] as const;
const stages = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] as const;

/** How much is written of a request. */
export type AuditLevel = (typeof levels)[number];
export type AuditStage = (typeof stages)[number];

interface Rule {
  readonly level: AuditLevel;
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly {
    readonly group?: string;
    readonly resources?: readonly string[];
    readonly resourceNames?: readonly string[];
  }[];
  readonly namespaces?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly AuditStage[];
}

export interface AuditDecision {
  readonly level: AuditLevel;
  readonly omitStages: ReadonlySet<AuditStage>;
}

export type AuditPolicy = (info: RequestInfo, user: User) => AuditDecision;

/** Reads a Policy of audit.k8s.io/v1 in YAML or JSON: the first rule that fits a request counts; of others nothing is written. */
export function parseAuditPolicy(text: string): AuditPolicy {
  const policy = parse(text) as {
    apiVersion?: string;
    kind?: string;
    rules?: Rule[];
    omitStages?: AuditStage[];
  } | null;
  if (policy?.apiVersion !== "audit.k8s.io/v1" || policy.kind !== "Policy")
    refuse("it is no Policy of audit.k8s.io/v1");
  const rules = policy.rules ?? [];
  if (rules.length === 0) refuse("it has no rules");
  rules.forEach((rule, index) => {
    if (!levels.includes(rule.level)) refuse(`rules[${index}].level must be one of ${levels.join(", ")}`);
  });
  for (const stage of [...(policy.omitStages ?? []), ...rules.flatMap(({ omitStages = [] }) => omitStages)])
    if (!stages.includes(stage)) refuse(`the stage ${JSON.stringify(stage)} is none of ${stages.join(", ")}`);
  return (info, user) => {
    const rule = rules.find((candidate) => fits(candidate, info, user));
    const omitStages = new Set([...(policy.omitStages ?? []), ...(rule?.omitStages ?? [])]);
    return { level: rule?.level ?? "None", omitStages };
  };
}

/** A list that is not given does not restrict. */
function fits(rule: Rule, info: RequestInfo, user: User): boolean {
  const given = (list: readonly unknown[] | undefined) => (list?.length ?? 0) > 0;
  if (given(rule.users) && !rule.users?.includes(user.name)) return false;
  if (given(rule.userGroups) && !rule.userGroups?.some((group) => user.groups.includes(group))) return false;
  if (given(rule.verbs) && !rule.verbs?.includes(info.verb)) return false;
  if (info.kind === "path") {
    if (given(rule.resources) || given(rule.namespaces)) return false;
    return !given(rule.nonResourceURLs) || (rule.nonResourceURLs ?? []).some((url) => matchesUrl(url, info.path));
  }
  if (given(rule.nonResourceURLs)) return false;
  if (given(rule.namespaces) && !rule.namespaces?.includes(info.namespace)) return false;
  if (!given(rule.resources)) return true;
  const { resource, subresource } = info;
  const combined = subresource === "" ? resource : `${resource}/${subresource}`;
  return (rule.resources ?? []).some(({ group = "", resources, resourceNames }) => {
    if (group !== info.group) return false;
    if (given(resourceNames) && !resourceNames?.includes(info.name)) return false;
    if (!given(resources)) return true;
    return (resources ?? []).some(
      (name) =>
        name === combined ||
        name === "*" ||
        (subresource !== "" && (name === `*/${subresource}` || name === `${resource}/*`)),
    );
  });
}

const matchesUrl = (pattern: string, path: string) =>
  pattern === "*" || pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1)));

function refuse(why: string): never {
  throw new Failure(
    "AuditPolicyInvalid",
    `the audit policy is not usable: ${why}`,
    'See Policy in Kubernetes\' documentation, "Auditing"',
  );
}
