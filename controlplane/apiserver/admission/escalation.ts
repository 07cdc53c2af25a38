import { type GroupResource, type KubeObject, status } from "../../api/mod.ts";
import type { RbacAuthorizer, RoleRef } from "../auth/rbac.ts";
import { describeRule, type PolicyRule, uncovered } from "../auth/rules.ts";
import type { User } from "../auth/user.ts";
import { fail } from "../fail.ts";
import type { AdmissionPlugin } from "./plugin.ts";

const GROUP = "rbac.authorization.k8s.io";

/** Runs the guard on every role and binding that is created or changed. */
export function escalationPrevention(guard: EscalationGuard): AdmissionPlugin {
  return {
    name: "EscalationPrevention",
    admit({ operation, served: { names }, object, user }) {
      if (names.group !== GROUP || object === undefined || (operation !== "CREATE" && operation !== "UPDATE")) return;
      if (names.resource.endsWith("bindings")) guard.checkBinding(names, object, user);
      else guard.checkRole(names, object, user);
    },
  };
}

/** Nobody hands out, by role or by binding, what they do not have, unless the verbs escalate or bind allow just that. */
export class EscalationGuard {
  readonly #authorizer: RbacAuthorizer;

  constructor(authorizer: RbacAuthorizer) {
    this.#authorizer = authorizer;
  }

  checkRole(what: GroupResource, role: KubeObject, user: User): void {
    const { namespace = "", name } = role.metadata;
    if (this.#may(user, "escalate", what.resource, namespace, name)) return;
    const { rules = [] } = role as { rules?: readonly PolicyRule[] };
    this.#refuseUncovered(what, name, rules, user, namespace);
  }

  checkBinding(what: GroupResource, binding: KubeObject, user: User): void {
    const { namespace = "", name } = binding.metadata;
    const { roleRef } = binding as unknown as { roleRef: RoleRef };
    const resource = roleRef.kind === "ClusterRole" ? "clusterroles" : "roles";
    if (this.#may(user, "bind", resource, namespace, roleRef.name)) return;
    this.#refuseUncovered(what, name, this.#authorizer.rulesOf(roleRef, namespace), user, namespace);
  }

  #may(user: User, verb: string, resource: string, namespace: string, name: string): boolean {
    const asked = { kind: "resource", user, verb, group: GROUP, resource, subresource: "", namespace, name } as const;
    return this.#authorizer.authorize(asked).allowed;
  }

  #refuseUncovered(
    what: GroupResource,
    name: string,
    wanted: readonly PolicyRule[],
    user: User,
    namespace: string,
  ): void {
    const missing = uncovered(this.#authorizer.rulesFor(user, namespace), wanted);
    if (missing.length === 0) return;
    const groups = user.groups.map((group) => JSON.stringify(group)).join(" ");
    const rules = missing.map(describeRule).join("\n");
    const who = `user ${JSON.stringify(user.name)} (groups=[${groups}])`;
    const why = `${who} is attempting to grant RBAC permissions not currently held:\n${rules}`;
    fail(status.forbidden(what, name, why));
  }
}
