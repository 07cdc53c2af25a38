import type { Authorizer, Decision } from "./rbac.ts";
import type { Attributes, PolicyRule } from "./rules.ts";
import type { User } from "./user.ts";

/** Allows what any of several authorizers allows. */
export class UnionAuthorizer implements Authorizer {
  readonly #authorizers: readonly Authorizer[];

  constructor(authorizers: readonly Authorizer[]) {
    this.#authorizers = authorizers;
  }

  authorize(asked: Attributes): Decision {
    const reasons: string[] = [];
    for (const authorizer of this.#authorizers) {
      const decision = authorizer.authorize(asked);
      if (decision.allowed) return decision;
      if (decision.reason !== "") reasons.push(decision.reason);
    }
    return { allowed: false, reason: reasons.join("\n") };
  }

  rulesFor(user: User, namespace: string): PolicyRule[] {
    return this.#authorizers.flatMap((authorizer) => authorizer.rulesFor(user, namespace));
  }
}
