import { always, atomic, given, list, one, packageOf, required, string } from "../schema/dsl.ts";
import type { Infer } from "../schema/field.ts";
import { listOf } from "./meta/list.ts";
import { ObjectMeta } from "./meta/object-meta.ts";
import { LabelSelector } from "./meta/selector.ts";

const { kind, message } = packageOf("io.k8s.api.rbac.v1", "rbac.authorization.k8s.io", "v1");

export const AggregationRule = message("AggregationRule", {
  clusterRoleSelectors: list<LabelSelector>(1, LabelSelector, atomic),
});
export interface AggregationRule extends Infer<typeof AggregationRule> {}

export const PolicyRule = message(
  "PolicyRule",
  {
    verbs: required(list(1, string, atomic)),
    apiGroups: list(2, string, atomic),
    resources: list(3, string, atomic),
    resourceNames: list(4, string, atomic),
    nonResourceURLs: list(5, string, atomic),
  },
  { doc: "Verbs allowed on resources or URLs." },
);
export interface PolicyRule extends Infer<typeof PolicyRule> {}

export const ClusterRole = kind("ClusterRole", "Permissions, for the whole cluster or to be bound in namespaces.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  rules: list<PolicyRule>(2, PolicyRule, atomic),
  aggregationRule: one<AggregationRule>(3, AggregationRule),
});
export interface ClusterRole extends Infer<typeof ClusterRole> {}

export const RoleRef = message(
  "RoleRef",
  {
    apiGroup: string(1),
    kind: required(string(2)),
    name: required(string(3)),
  },
  { atomic: true },
);
export interface RoleRef extends Infer<typeof RoleRef> {}

export const Subject = message(
  "Subject",
  {
    kind: required(string(1)),
    apiGroup: string(2),
    name: required(string(3)),
    namespace: string(4),
  },
  { atomic: true },
);
export interface Subject extends Infer<typeof Subject> {}

export const ClusterRoleBinding = kind("ClusterRoleBinding", "Grants a ClusterRole to subjects in the whole cluster.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  subjects: list<Subject>(2, Subject, atomic),
  roleRef: required(one<RoleRef>(3, RoleRef, always)),
});
export interface ClusterRoleBinding extends Infer<typeof ClusterRoleBinding> {}

export const ClusterRoleBindingList = listOf<ClusterRoleBinding>(ClusterRoleBinding);
export interface ClusterRoleBindingList extends Infer<typeof ClusterRoleBindingList> {}

export const ClusterRoleList = listOf<ClusterRole>(ClusterRole);
export interface ClusterRoleList extends Infer<typeof ClusterRoleList> {}

export const Role = kind("Role", "Permissions within a namespace.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  rules: list<PolicyRule>(2, PolicyRule, atomic),
});
export interface Role extends Infer<typeof Role> {}

export const RoleBinding = kind("RoleBinding", "Grants a Role or ClusterRole to subjects within a namespace.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  subjects: list<Subject>(2, Subject, atomic),
  roleRef: required(one<RoleRef>(3, RoleRef, always)),
});
export interface RoleBinding extends Infer<typeof RoleBinding> {}

export const RoleBindingList = listOf<RoleBinding>(RoleBinding);
export interface RoleBindingList extends Infer<typeof RoleBindingList> {}

export const RoleList = listOf<Role>(Role);
export interface RoleList extends Infer<typeof RoleList> {}
