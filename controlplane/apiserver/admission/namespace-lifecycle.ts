import { type KubeObject, type Namespace, status } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import type { Served } from "../registry/served.ts";

const immortal = new Set(["default", "kube-system", "kube-public"]);

/** Objects are created in namespaces that exist and are not on their way out. */
export async function requireNamespace(namespaces: Served, object: KubeObject, served: Served): Promise<void> {
  const name = object.metadata.namespace ?? "";
  if (!served.resource.namespaced || name === "") return;
  const key = namespaces.key("", name);
  // A namespace that was made a moment ago may not have reached the cache.
  const namespace = (namespaces.cache.get(key) ?? (await namespaces.objects.get(key))) as Namespace | undefined;
  if (namespace === undefined) fail(status.notFound(namespaces.names, name));
  if (namespace.status?.phase !== "Terminating" && namespace.metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${name} because it is being terminated`;
  const refused = status.forbidden(served.names, object.metadata.name ?? "", why);
  const cause = {
    reason: "NamespaceTerminating",
    message: `namespace ${name} is being terminated`,
    field: "metadata.namespace",
  };
  fail({ ...refused, details: { ...refused.details, causes: [cause] } });
}

export function refuseImmortal(namespaces: Served, { metadata }: KubeObject): void {
  if (immortal.has(metadata.name))
    fail(status.forbidden(namespaces.names, metadata.name, "this namespace may not be deleted"));
}
