import { type KubeObject, StatusError } from "../../api/mod.ts";
import {
  type BindingSpec,
  bootstrapRoles,
  type ClusterRoleSpec,
  clusterRoleBindings,
  clusterRoles,
  type NamespacedRoleSpec,
} from "../auth/bootstrap-policy.ts";
import type { Subject } from "../auth/rbac.ts";
import { type PolicyRule, uncovered } from "../auth/rules.ts";
import type { Registry, Served } from "../registry/served.ts";
import type { Writer } from "../registry/writer.ts";
import { loopbackContext as context } from "./ensure.ts";

const GROUP = "rbac.authorization.k8s.io";
const AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate";

type Role = KubeObject & { rules?: PolicyRule[]; aggregationRule?: unknown };
type Binding = KubeObject & { roleRef: unknown; subjects?: Subject[] };

/**
 * Creates the roles and bindings that every cluster has, and gives back to those that exist what they lost; what was added
 * to them stays. Objects whose annotation says `autoupdate: "false"` are left alone.
 */
export async function reconcilePolicy(registry: Registry, writer: Writer): Promise<void> {
  const roles = registry.need(GROUP, "v1", "clusterroles");
  const bindings = registry.need(GROUP, "v1", "clusterrolebindings");
  await Promise.all(clusterRoles.map((spec) => ensure(roles, writer, roleOf(spec), restoreRole)));
  await Promise.all(clusterRoleBindings.map((spec) => ensure(bindings, writer, bindingOf(spec), restoreBinding)));
  await Promise.all(bootstrapRoles.map((spec) => reconcileNamespaced(registry, writer, spec)));
}

/** Needs the namespace. */
async function reconcileNamespaced(registry: Registry, writer: Writer, spec: NamespacedRoleSpec): Promise<void> {
  const { namespace, name, rules, subjects } = spec;
  const metadata = { ...metadataOf(name), namespace };
  const role: Role = {
    apiVersion: `${GROUP}/v1`,
    kind: "Role",
    metadata,
    rules: structuredClone(rules) as PolicyRule[],
  };
  const binding: Binding = {
    apiVersion: `${GROUP}/v1`,
    kind: "RoleBinding",
    metadata,
    roleRef: { apiGroup: GROUP, kind: "Role", name },
    subjects: structuredClone(subjects) as Subject[],
  };
  await ensure(registry.need(GROUP, "v1", "roles"), writer, role, restoreRole);
  await ensure(registry.need(GROUP, "v1", "rolebindings"), writer, binding, restoreBinding);
}

/**
 * Roles that aggregate get the rules of those they select. The controller that keeps them up to date does the same; at
 * the start it is done here, so that admin, edit and view mean something from the first request on.
 */
function aggregate(name: string): PolicyRule[] {
  const rules: PolicyRule[] = [];
  for (const { rules: own, labels, aggregates } of clusterRoles) {
    if (labels?.[`${GROUP}/aggregate-to-${name}`] !== "true") continue;
    rules.push(...own, ...(aggregates === undefined ? [] : aggregate(aggregates)));
  }
  return rules;
}

function metadataOf(name: string, labels: Readonly<Record<string, string>> = {}): KubeObject["metadata"] {
  return {
    name,
    labels: { "kubernetes.io/bootstrapping": "rbac-defaults", ...labels },
    annotations: { [AUTOUPDATE]: "true" },
  };
}

function roleOf({ name, rules, labels, aggregates }: ClusterRoleSpec): Role {
  const base = { apiVersion: `${GROUP}/v1`, kind: "ClusterRole", metadata: metadataOf(name, labels) };
  if (aggregates === undefined) return { ...base, rules: structuredClone(rules) as PolicyRule[] };
  const selector = { matchLabels: { [`${GROUP}/aggregate-to-${aggregates}`]: "true" } };
  return {
    ...base,
    aggregationRule: { clusterRoleSelectors: [selector] },
    rules: structuredClone(aggregate(aggregates)),
  };
}

function bindingOf({ role, subjects }: BindingSpec): Binding {
  return {
    apiVersion: `${GROUP}/v1`,
    kind: "ClusterRoleBinding",
    metadata: metadataOf(role),
    roleRef: { apiGroup: GROUP, kind: "ClusterRole", name: role },
    subjects: structuredClone(subjects) as Subject[],
  };
}

async function ensure<T extends KubeObject>(
  served: Served,
  writer: Writer,
  wanted: T,
  restore: (current: T, wanted: T) => T,
): Promise<void> {
  const { namespace = "", name } = wanted.metadata;
  if (served.cache.get(served.key(namespace, name)) === undefined) {
    try {
      await writer.create(served, structuredClone(wanted), context);
      return;
    } catch (error) {
      // Another API server was faster: then it is there, and only needs to be compared.
      if (!(error instanceof StatusError && error.status.reason === "AlreadyExists")) throw error;
    }
  }
  const produce = (current: KubeObject) => {
    if (current.metadata.annotations?.[AUTOUPDATE] === "false") return structuredClone(current);
    return restore(structuredClone(current) as T, wanted);
  };
  await writer.update(served, namespace, name, produce, context);
}

function restoreRole(current: Role, wanted: Role): Role {
  const lost = (wanted.rules ?? []).filter((rule) => uncovered(current.rules ?? [], [rule]).length > 0);
  // Rules of an aggregating role are not its own: they follow from others.
  if (wanted.aggregationRule === undefined && lost.length > 0) current.rules = [...(current.rules ?? []), ...lost];
  current.metadata.labels = { ...current.metadata.labels, ...wanted.metadata.labels };
  return current;
}

function restoreBinding(current: Binding, wanted: Binding): Binding {
  const has = (subject: Subject) =>
    current.subjects?.some(
      (s) => s.kind === subject.kind && s.name === subject.name && (s.namespace ?? "") === (subject.namespace ?? ""),
    );
  const lost = (wanted.subjects ?? []).filter((subject) => !has(subject));
  if (lost.length > 0) current.subjects = [...(current.subjects ?? []), ...lost];
  return current;
}
