import type { KubeObject } from "../../api/mod.ts";
import type { Registry, Served } from "../registry/served.ts";
import type { BindingLike, PolicySource, RoleLike } from "./rbac.ts";

const GROUP = "rbac.authorization.k8s.io";

/** The RBAC kinds as the watch caches show them. `start` first: until then there are no rules. */
export class CachedPolicy implements PolicySource {
  readonly #clusterRoles: Served;
  readonly #roles: Served;
  readonly #clusterRoleBindings: Served;
  readonly #roleBindings: Served;

  constructor(registry: Registry) {
    this.#clusterRoles = registry.need(GROUP, "v1", "clusterroles");
    this.#roles = registry.need(GROUP, "v1", "roles");
    this.#clusterRoleBindings = registry.need(GROUP, "v1", "clusterrolebindings");
    this.#roleBindings = registry.need(GROUP, "v1", "rolebindings");
  }

  async start(): Promise<void> {
    const kinds = [this.#clusterRoles, this.#roles, this.#clusterRoleBindings, this.#roleBindings];
    await Promise.all(kinds.map(({ cache }) => cache.start()));
  }

  clusterRole(name: string): RoleLike | undefined {
    return as<RoleLike>(this.#clusterRoles.cache.get(this.#clusterRoles.key("", name)));
  }

  role(namespace: string, name: string): RoleLike | undefined {
    return as<RoleLike>(this.#roles.cache.get(this.#roles.key(namespace, name)));
  }

  clusterRoleBindings(): Iterable<BindingLike> {
    return all(this.#clusterRoleBindings, "");
  }

  roleBindings(namespace: string): Iterable<BindingLike> {
    return all(this.#roleBindings, namespace);
  }
}

// The caches hold objects that were validated as these kinds when they were written.
const as = <T>(object: KubeObject | undefined) => object as T | undefined;

function* all(served: Served, namespace: string): Generator<BindingLike> {
  for (const [, object] of served.cache.entries(served.prefix(namespace))) yield object as unknown as BindingLike;
}
