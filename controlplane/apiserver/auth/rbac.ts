import { type Attributes, type PolicyRule, ruleAllows } from "./rules.ts";
import { serviceAccountUser, type User } from "./user.ts";

export interface RoleRef {
  readonly apiGroup?: string;
  readonly kind: string;
  readonly name: string;
}

export interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly apiGroup?: string;
}

export interface RoleLike {
  readonly metadata: { readonly name?: string; readonly namespace?: string };
  readonly rules?: readonly PolicyRule[] | null;
}

export interface BindingLike {
  readonly metadata: { readonly name?: string; readonly namespace?: string };
  readonly roleRef: RoleRef;
  readonly subjects?: readonly Subject[] | null;
}

/** The four kinds of RBAC, as they stand now. */
export interface PolicySource {
  clusterRole(name: string): RoleLike | undefined;
  role(namespace: string, name: string): RoleLike | undefined;
  clusterRoleBindings(): Iterable<BindingLike>;
  roleBindings(namespace: string): Iterable<BindingLike>;
}

export interface Decision {
  readonly allowed: boolean;
  /** Why, as SubjectAccessReview tells it; of a refusal often nothing but that no rule allows it: "". */
  readonly reason: string;
}

export interface Authorizer {
  authorize(asked: Attributes): Decision;
  /** Rules that hold for the user in the namespace ("": cluster-wide only). */
  rulesFor(user: User, namespace: string): PolicyRule[];
}

/** Authorizes by Roles and bindings read from `policy`; the group system:masters may do everything. */
export class RbacAuthorizer implements Authorizer {
  readonly #policy: PolicySource;

  constructor(policy: PolicySource) {
    this.#policy = policy;
  }

  authorize(asked: Attributes): Decision {
    if (asked.user.groups.includes("system:masters")) return { allowed: true, reason: "" };
    const namespace = asked.kind === "resource" ? asked.namespace : "";
    for (const grant of this.#grants(asked.user, namespace))
      for (const rule of grant.rules)
        if (ruleAllows(rule, asked)) return { allowed: true, reason: `RBAC: ${grant.why}` };
    return { allowed: false, reason: "" };
  }

  rulesFor(user: User, namespace: string): PolicyRule[] {
    const rules: PolicyRule[] = user.groups.includes("system:masters")
      ? [
          { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
          { verbs: ["*"], nonResourceURLs: ["*"] },
        ]
      : [];
    for (const grant of this.#grants(user, namespace)) rules.push(...grant.rules);
    return rules;
  }

  /** Rules a role reference stands for; a role that does not exist grants nothing. */
  rulesOf(ref: RoleRef, namespace: string): readonly PolicyRule[] {
    const role =
      ref.kind === "ClusterRole" ? this.#policy.clusterRole(ref.name) : this.#policy.role(namespace, ref.name);
    return role?.rules ?? [];
  }

  *#grants(user: User, namespace: string): Generator<{ rules: readonly PolicyRule[]; why: string }> {
    for (const binding of this.#policy.clusterRoleBindings()) {
      const subject = binding.subjects?.find((candidate) => names(candidate, user, ""));
      if (subject !== undefined) yield { rules: this.rulesOf(binding.roleRef, ""), why: why(binding, subject) };
    }
    if (namespace === "") return;
    for (const binding of this.#policy.roleBindings(namespace)) {
      const subject = binding.subjects?.find((candidate) => names(candidate, user, namespace));
      if (subject !== undefined) yield { rules: this.rulesOf(binding.roleRef, namespace), why: why(binding, subject) };
    }
  }
}

function names(subject: Subject, user: User, bindingNamespace: string): boolean {
  switch (subject.kind) {
    case "User":
      return subject.name === user.name;
    case "Group":
      return user.groups.includes(subject.name);
    case "ServiceAccount": {
      const namespace = subject.namespace || bindingNamespace;
      return namespace !== "" && user.name === serviceAccountUser(namespace, subject.name);
    }
    default:
      return false;
  }
}

function why(binding: BindingLike, subject: Subject): string {
  const { name, namespace } = binding.metadata;
  const bound = namespace ? `RoleBinding "${name}/${namespace}"` : `ClusterRoleBinding "${name}"`;
  const to =
    subject.kind === "ServiceAccount"
      ? `ServiceAccount "${subject.name}/${subject.namespace}"`
      : `${subject.kind} "${subject.name}"`;
  return `allowed by ${bound} of ${binding.roleRef.kind} "${binding.roleRef.name}" to ${to}`;
}
