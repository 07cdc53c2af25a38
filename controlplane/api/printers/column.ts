import type { KubeObject } from "../resources/resource.ts";
import { millisecondsOf } from "../schema/time.ts";
import { formatSelector, fromLabelSelector } from "../selectors/label-selector.ts";
import type { Container } from "../types/core/container.ts";
import type { LabelSelector } from "../types/meta/selector.ts";
import type { TableColumnDefinition } from "../types/meta/table.ts";
import { humanDuration } from "./duration.ts";

/** A column of `kubectl get`: its definition and what stands in it. Time is passed in, in milliseconds since 1970. */
export interface Column<T extends KubeObject> extends TableColumnDefinition {
  cell(object: T, now: number): unknown;
}

export function column<T extends KubeObject>(
  name: string,
  description: string,
  cell: (object: T, now: number) => unknown,
  type: TableColumnDefinition["type"] = "string",
): Column<T> {
  return { name, type, format: "", description, priority: 0, cell };
}

/** Shown with `-o wide` only. */
export function wide<T extends KubeObject>(shown: Column<T>): Column<T> {
  return { ...shown, priority: 1 };
}

export const nameColumn: Column<KubeObject> = {
  ...column("Name", "Unique within its namespace.", ({ metadata }: KubeObject) => metadata.name),
  format: "name",
};

/** The name of a class; the one that is the default says so. */
export function classNameColumn(...defaultAnnotations: readonly string[]): Column<KubeObject> {
  const isDefault = ({ annotations }: KubeObject["metadata"]) =>
    defaultAnnotations.some((annotation) => annotations?.[annotation] === "true");
  return {
    ...nameColumn,
    cell: ({ metadata }) => (isDefault(metadata) ? `${metadata.name} (default)` : metadata.name),
  };
}

export const ageColumn = column("Age", "Time since its creation.", ({ metadata }: KubeObject, now) =>
  age(metadata.creationTimestamp, now),
);

/** Kinds without columns of their own. */
export const plainColumns: readonly Column<KubeObject>[] = [
  nameColumn,
  column("Created At", "When it was created.", ({ metadata }) => metadata.creationTimestamp ?? null, "date"),
];

export const none = "<none>";

/** Time since a timestamp. */
export function age(timestamp: string | undefined, now: number): string {
  const then = millisecondsOf(timestamp);
  return then === undefined ? "<unknown>" : humanDuration(now - then);
}

export function joined(values: readonly string[], separator = ","): string {
  return values.length === 0 ? none : values.join(separator);
}

/** The first three, and how many more there are. */
export function firstThree(values: readonly string[], empty: string): string {
  if (values.length === 0) return empty;
  const shown = values.slice(0, 3).join(",");
  return values.length > 3 ? `${shown} + ${values.length - 3} more...` : shown;
}

export function labelsText(labels: Record<string, string> | undefined): string {
  return joined(
    Object.entries(labels ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .sort(),
  );
}

export function selectorText(selector: LabelSelector | undefined): string {
  const result = fromLabelSelector(selector);
  return (result.ok && formatSelector(result.selector)) || none;
}

/** The wide columns that all workloads have. */
export function podTemplateColumns<T extends KubeObject>(
  containers: (object: T) => readonly Container[],
  selector: (object: T) => LabelSelector | undefined = () => undefined,
): Column<T>[] {
  return [
    wide(
      column("Containers", "Names of the containers.", (o: T) =>
        containers(o)
          .map(({ name }) => name)
          .join(","),
      ),
    ),
    wide(
      column("Images", "Images of the containers.", (o: T) =>
        containers(o)
          .map(({ image }) => image ?? "")
          .join(","),
      ),
    ),
    wide(column("Selector", "Labels of the pods it owns.", (o: T) => selectorText(selector(o)))),
  ];
}
