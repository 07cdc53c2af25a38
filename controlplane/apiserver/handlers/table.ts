import { columnDefinitions, type KubeObject, type Resource, type Table, tableRow } from "../../api/mod.ts";
import type { Form } from "../http/negotiate.ts";
import type { ListMetadata } from "./encode.ts";
import { partialMetadata } from "./partial-metadata.ts";

/** Objects as rows for `kubectl get`, with as much of each object beside its cells as the client asked for. */
export function tableOf(
  resource: Resource,
  objects: readonly KubeObject[],
  metadata: ListMetadata,
  { includeObject, version }: Form & { as: "Table" },
): Table {
  const now = Date.now();
  const rows = objects.map((object) => {
    const row = tableRow(resource, object, now);
    if (includeObject === "None") return row;
    return { ...row, object: includeObject === "Object" ? object : partialMetadata(object) };
  });
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${version}` as Table["apiVersion"],
    metadata,
    columnDefinitions: columnDefinitions(resource),
    rows,
  };
}
