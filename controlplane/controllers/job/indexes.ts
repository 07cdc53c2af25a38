import type { Pod } from "../../api/mod.ts";

export const completionIndexAnnotation = "batch.kubernetes.io/job-completion-index";

/** Reads `1,3-5,7`; what is not below `completions` is dropped. */
export function parseIndexes(text: string | undefined, completions: number): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? "").split(",")) {
    if (part === "") continue;
    const [first = "", last = first] = part.split("-");
    for (let index = Number(first); index <= Math.min(Number(last), completions - 1); index++) indexes.add(index);
  }
  return indexes;
}

/** Writes `1,3-5,7`. */
export function formatIndexes(indexes: Iterable<number>): string {
  const sorted = [...indexes].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length; ) {
    let end = i;
    while (end + 1 < sorted.length && sorted[end + 1] === (sorted[end] as number) + 1) end++;
    parts.push(end === i ? `${sorted[i]}` : `${sorted[i]}-${sorted[end]}`);
    i = end + 1;
  }
  return parts.join(",");
}

/** The index that a pod works on; undefined when it has none that is valid. */
export function indexOf(pod: Pod, completions: number): number | undefined {
  const text = pod.metadata.annotations?.[completionIndexAnnotation];
  const index = text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
  return index !== undefined && index < completions ? index : undefined;
}
