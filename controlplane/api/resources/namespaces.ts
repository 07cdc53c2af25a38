import { defaultNamespace } from "../defaults/core.ts";
import { namespaceColumns } from "../printers/nodes.ts";
import { Namespace } from "../types/core/namespace.ts";
import { isDNS1123Label } from "../validation/formats.ts";
import { validateNamespace } from "../validation/others.ts";
import { resource } from "./resource.ts";

export const namespaces = resource<Namespace>(Namespace, {
  plural: "namespaces",
  shortNames: ["ns"],
  scope: "Cluster",
  verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
  status: true,
  subresources: [{ name: "finalize", gvk: Namespace.gvk, schema: Namespace, verbs: ["update"] }],
  hash: "Q3oi5N2YM8M=",
  columns: namespaceColumns,
  strategy: {
    defaults: defaultNamespace,
    prepareForCreate: (namespace) => {
      // Whoever empties the namespace removes this finalizer, through the finalize subresource.
      namespace.spec = { finalizers: ["kubernetes"] };
      namespace.status = { phase: "Active" };
    },
    prepareForUpdate: (next, old) => {
      next.spec = { ...next.spec, finalizers: old.spec?.finalizers ?? [] };
    },
    validate: validateNamespace,
    name: isDNS1123Label,
  },
  selectableFields: {
    name: (namespace) => namespace.metadata.name,
    "status.phase": (namespace) => namespace.status?.phase ?? "",
  },
});
