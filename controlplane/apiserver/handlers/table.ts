import type { KubeObject, Resource, Table, TableColumnDefinition, TableRow } from "../../api/mod.ts";
import type { Form } from "../http/negotiate.ts";
import type { ListMetadata } from "./encode.ts";
import { partialMetadata } from "./partial-metadata.ts";

/** Kinds that declare no columns of their own. */
const plainColumns: TableColumnDefinition[] = [
  { name: "Name", type: "string", format: "name", description: "Name within its namespace.", priority: 0 },
  { name: "Created At", type: "date", format: "", description: "When the server created it.", priority: 0 },
];

/** Objects as rows for `kubectl get`. All columns go out; the client hides those of lower priority. */
export function tableOf(
  _resource: Resource,
  objects: readonly KubeObject[],
  metadata: ListMetadata,
  { includeObject, version }: Form & { as: "Table" },
): Table {
  const rows = objects.map((object): TableRow => {
    const cells = [object.metadata.name, object.metadata.creationTimestamp];
    if (includeObject === "None") return { cells };
    return { cells, object: includeObject === "Object" ? object : partialMetadata(object) };
  });
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${version}` as Table["apiVersion"],
    metadata,
    columnDefinitions: plainColumns,
    rows,
  };
}
