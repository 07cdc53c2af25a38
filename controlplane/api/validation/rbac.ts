import { equalJson } from "../schema/equal.ts";
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding } from "../types/rbac.ts";
import { validateLabelSelector } from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isDNS1123Subdomain, isPathSegment } from "./formats.ts";

const rbacGroup = "rbac.authorization.k8s.io";

export function validateRole({ rules = [] }: Role, errors: FieldErrors): void {
  for (const [index, rule] of rules.entries()) validateRule(rule, `rules[${index}]`, { namespaced: true }, errors);
}

export function validateClusterRole({ rules = [], aggregationRule }: ClusterRole, errors: FieldErrors): void {
  for (const [index, rule] of rules.entries()) validateRule(rule, `rules[${index}]`, { namespaced: false }, errors);
  if (aggregationRule === undefined) return;
  const selectors = aggregationRule.clusterRoleSelectors ?? [];
  const field = "aggregationRule.clusterRoleSelectors";
  if (selectors.length === 0)
    errors.required(field, "at least one clusterRoleSelector required if aggregationRule is non-nil");
  for (const [index, selector] of selectors.entries()) validateLabelSelector(selector, `${field}[${index}]`, errors);
}

function validateRule(
  { verbs, apiGroups = [], resources = [], nonResourceURLs = [] }: PolicyRule,
  field: string,
  { namespaced }: { readonly namespaced: boolean },
  errors: FieldErrors,
): void {
  if (verbs.length === 0) errors.required(`${field}.verbs`, "verbs must contain at least one value");
  if (nonResourceURLs.length > 0) {
    const at = `${field}.nonResourceURLs`;
    if (namespaced) errors.invalid(at, nonResourceURLs, "namespaced rules cannot apply to non-resource URLs");
    if (apiGroups.length > 0 || resources.length > 0) {
      errors.invalid(at, nonResourceURLs, "rules cannot apply to both regular resources and non-resource URLs");
    }
    return;
  }
  if (apiGroups.length === 0)
    errors.required(`${field}.apiGroups`, "resource rules must supply at least one api group");
  if (resources.length === 0) errors.required(`${field}.resources`, "resource rules must supply at least one resource");
}

export function validateRoleBinding(binding: RoleBinding, errors: FieldErrors): void {
  validateBinding(binding, ["ClusterRole", "Role"], errors);
}

export function validateClusterRoleBinding(binding: ClusterRoleBinding, errors: FieldErrors): void {
  validateBinding(binding, ["ClusterRole"], errors);
}

function validateBinding(
  { roleRef, subjects = [] }: RoleBinding | ClusterRoleBinding,
  kinds: readonly string[],
  errors: FieldErrors,
): void {
  if (roleRef.apiGroup !== rbacGroup) errors.notSupported("roleRef.apiGroup", roleRef.apiGroup, [rbacGroup]);
  if (!kinds.includes(roleRef.kind)) errors.notSupported("roleRef.kind", roleRef.kind, kinds);
  if (!roleRef.name) errors.required("roleRef.name");
  else errors.invalidEach("roleRef.name", roleRef.name, isPathSegment(roleRef.name));

  for (const [index, { kind, name, namespace, apiGroup = "" }] of subjects.entries()) {
    const at = `subjects[${index}]`;
    if (!name) errors.required(`${at}.name`);
    if (kind === "ServiceAccount") {
      if (name) errors.invalidEach(`${at}.name`, name, isDNS1123Subdomain(name));
      if (apiGroup !== "") errors.notSupported(`${at}.apiGroup`, apiGroup, [""]);
      if (!namespace) errors.required(`${at}.namespace`);
    } else if (kind === "User" || kind === "Group") {
      if (apiGroup !== rbacGroup) errors.notSupported(`${at}.apiGroup`, apiGroup, [rbacGroup]);
    } else errors.notSupported(`${at}.kind`, kind, ["Group", "ServiceAccount", "User"]);
  }
}

/** Whoever may change subjects must not be able to hand out another role on the way. */
export function validateRoleRefUpdate(
  next: RoleBinding | ClusterRoleBinding,
  old: RoleBinding | ClusterRoleBinding,
  errors: FieldErrors,
): void {
  if (!equalJson(next.roleRef, old.roleRef)) errors.invalid("roleRef", next.roleRef, "cannot change roleRef");
}
