import { Namespace } from "../types/core/namespace.ts";
import { resource } from "./resource.ts";

export const namespaces = resource<Namespace>(Namespace, {
  plural: "namespaces",
  shortNames: ["ns"],
  scope: "Cluster",
  verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
  status: true,
  subresources: [{ name: "finalize", gvk: Namespace.gvk, schema: Namespace, verbs: ["update"] }],
  hash: "Q3oi5N2YM8M=",
  selectableFields: {
    name: (namespace) => namespace.metadata.name,
    "status.phase": (namespace) => namespace.status?.phase ?? "",
  },
});
