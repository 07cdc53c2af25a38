import type { ObjectMeta } from "../../api/mod.ts";

/** Of the classes that an annotation marks as default the newest counts; of several as new, the first by name. */
export function newestDefault<T extends { readonly metadata: ObjectMeta }>(
  classes: readonly T[],
  annotations: readonly string[],
): T | undefined {
  const marked = classes.filter(({ metadata }) =>
    annotations.some((annotation) => metadata.annotations?.[annotation] === "true"),
  );
  return marked.sort((a, b) => born(b).localeCompare(born(a)) || (a.metadata.name < b.metadata.name ? -1 : 1))[0];
}

const born = ({ metadata }: { readonly metadata: ObjectMeta }) => metadata.creationTimestamp ?? "";
