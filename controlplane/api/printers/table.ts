import type { KubeObject, Resource } from "../resources/resource.ts";
import type { TableColumnDefinition, TableRow } from "../types/meta/table.ts";

/** What `kubectl get` shows of a kind. All columns are sent; the client hides those of lower priority. */
export function columnDefinitions(resource: Resource): TableColumnDefinition[] {
  return resource.columns.map(({ name, type, format, description, priority }) => ({
    name,
    type,
    format,
    description,
    priority,
  }));
}

/** One object as a row, without the object itself. `now` is in milliseconds since 1970. */
export function tableRow(resource: Resource, object: KubeObject, now: number): TableRow {
  const conditions = resource.rowConditions?.(object);
  return { cells: resource.columns.map((column) => column.cell(object, now)), ...(conditions && { conditions }) };
}
