import type { ListMeta, ObjectMeta } from "./object-meta.ts";

/** What objects are reduced to when a client asks for metadata alone. */
export interface PartialObjectMetadata {
  apiVersion: "meta.k8s.io/v1";
  kind: "PartialObjectMetadata";
  metadata: ObjectMeta;
}

export interface PartialObjectMetadataList {
  apiVersion: "meta.k8s.io/v1";
  kind: "PartialObjectMetadataList";
  metadata: ListMeta;
  items: PartialObjectMetadata[];
}

/** Objects as rows, for `kubectl get`. */
export interface Table {
  apiVersion: "meta.k8s.io/v1";
  kind: "Table";
  metadata: ListMeta;
  columnDefinitions: TableColumnDefinition[];
  rows: TableRow[];
}

export interface TableColumnDefinition {
  name: string;
  type: "string" | "integer" | "number" | "boolean" | "date";
  /** `name` marks the column that names the object. */
  format: string;
  description: string;
  /** 0 is always shown; kubectl shows the others with `-o wide`. */
  priority: number;
}

export interface TableRow {
  /** One for each column definition, in order. */
  cells: unknown[];
  conditions?: { type: "Completed"; status: "True" | "False" | "Unknown"; reason?: string; message?: string }[];
  /** The whole object, its metadata, or nothing, as the client asked with includeObject. */
  object?: unknown;
}
