import type { User } from "./user.ts";

/** A rule of a Role or ClusterRole (rbac.authorization.k8s.io/v1). */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

/** What is asked of an authorizer: a verb on a resource, or on a path that is none. */
export type Attributes = { readonly user: User; readonly verb: string } & (
  | {
      readonly kind: "resource";
      readonly group: string;
      readonly resource: string;
      readonly subresource: string;
      /** "" for cluster scope and for all namespaces. */
      readonly namespace: string;
      /** "" when the request names no object. */
      readonly name: string;
      /** As a list or watch asks for; absent: everything. */
      readonly fieldSelector?: string;
    }
  | { readonly kind: "path"; readonly path: string }
);

const has = (list: readonly string[] | undefined, item: string) =>
  list !== undefined && (list.includes(item) || list.includes("*"));

/** "pods", "pods/log", "*" (also every subresource) or "* /scale" without the blank (that subresource of anything). */
function resourceMatches(rule: PolicyRule, resource: string, subresource: string): boolean {
  const combined = subresource === "" ? resource : `${resource}/${subresource}`;
  for (const candidate of rule.resources ?? []) {
    if (candidate === "*" || candidate === combined) return true;
    if (subresource !== "" && candidate === `*/${subresource}`) return true;
  }
  return false;
}

function pathMatches(pattern: string, path: string): boolean {
  return pattern === "*" || pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1)));
}

export function ruleAllows(rule: PolicyRule, asked: Attributes): boolean {
  if (!has(rule.verbs, asked.verb)) return false;
  if (asked.kind === "path") return (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, asked.path));
  if (!has(rule.apiGroups, asked.group)) return false;
  if (!resourceMatches(rule, asked.resource, asked.subresource)) return false;
  const names = rule.resourceNames ?? [];
  return names.length === 0 || names.includes(asked.name);
}

/** A rule that says one thing: one verb, one group and resource or one path, at most one name. */
interface Grain {
  readonly verb: string;
  readonly group?: string;
  readonly resource?: string;
  readonly name?: string;
  readonly path?: string;
}

function* grains(rule: PolicyRule): Generator<Grain> {
  for (const verb of rule.verbs) {
    for (const path of rule.nonResourceURLs ?? []) yield { verb, path };
    for (const group of rule.apiGroups ?? [])
      for (const resource of rule.resources ?? []) {
        if (!rule.resourceNames?.length) yield { verb, group, resource };
        for (const name of rule.resourceNames ?? []) yield { verb, group, resource, name };
      }
  }
}

function covers(rule: PolicyRule, grain: Grain): boolean {
  if (!has(rule.verbs, grain.verb)) return false;
  if (grain.path !== undefined)
    return (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, grain.path as string));
  if (!has(rule.apiGroups, grain.group as string)) return false;
  const [resource, subresource = ""] = (grain.resource as string).split("/");
  const fits =
    grain.resource === "*" ? rule.resources?.includes("*") : resourceMatches(rule, resource as string, subresource);
  if (!fits) return false;
  const names = rule.resourceNames ?? [];
  return names.length === 0 || (grain.name !== undefined && names.includes(grain.name));
}

/** What `wanted` grants and `held` does not: what escalation prevention refuses. Empty: nothing is escalated. */
export function uncovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  const missing = new Map<string, { rule: PolicyRule; verbs: string[] }>();
  for (const rule of wanted)
    for (const grain of grains(rule)) {
      if (held.some((owned) => covers(owned, grain))) continue;
      const { verb, ...target } = grain;
      const at = JSON.stringify(target);
      const known = missing.get(at);
      if (known !== undefined) known.verbs.push(verb);
      else missing.set(at, { rule: ruleOf(target), verbs: [verb] });
    }
  return [...missing.values()].map(({ rule, verbs }) => ({ ...rule, verbs }));
}

function ruleOf({ group, resource, name, path }: Omit<Grain, "verb">): PolicyRule {
  if (path !== undefined) return { verbs: [], nonResourceURLs: [path] };
  return {
    verbs: [],
    apiGroups: [group as string],
    resources: [resource as string],
    ...(name !== undefined && { resourceNames: [name] }),
  };
}

/** One line per rule, as in the Forbidden text: `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]}`. */
export function describeRule(rule: PolicyRule): string {
  const parts = [
    ["APIGroups", rule.apiGroups],
    ["Resources", rule.resources],
    ["NonResourceURLs", rule.nonResourceURLs],
    ["ResourceNames", rule.resourceNames],
    ["Verbs", rule.verbs],
  ] as const;
  const shown = parts.filter(([, list]) => list !== undefined && list.length > 0);
  return `{${shown.map(([name, list]) => `${name}:[${list?.map((item) => JSON.stringify(item)).join(" ")}]`).join(", ")}}`;
}
