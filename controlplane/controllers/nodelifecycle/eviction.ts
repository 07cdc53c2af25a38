import type { Node, Pod, Taint, Toleration } from "../../api/mod.ts";

export function tolerates({ key, operator = "Equal", value = "", effect }: Toleration, taint: Taint): boolean {
  if (effect !== undefined && effect !== taint.effect) return false;
  if (key === undefined || key === "") return operator === "Exists";
  return key === taint.key && (operator === "Exists" || value === (taint.value ?? ""));
}

/**
 * When the pod has to leave its node because of NoExecute taints: milliseconds since 1970, undefined for never. Each taint must be
 * tolerated; the shortest toleration decides, counted from the taint, or from the pod if that is younger.
 */
export function evictionTimeMs(pod: Pod, node: Node): number | undefined {
  const taints = (node.spec?.taints ?? []).filter(({ effect }) => effect === "NoExecute");
  const createdMs = Date.parse(pod.metadata.creationTimestamp ?? "") || 0;
  let earliest: number | undefined;
  for (const taint of taints) {
    const tolerations = (pod.spec.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    const sinceMs = Math.max(Date.parse(taint.timeAdded ?? "") || 0, createdMs);
    const limits = tolerations.flatMap(({ tolerationSeconds: s }) => (s === undefined ? [] : [Math.max(0, s)]));
    if (tolerations.length > 0 && limits.length === 0) continue; // for ever
    const atMs = tolerations.length === 0 ? 0 : sinceMs + Math.min(...limits) * 1000;
    earliest = Math.min(earliest ?? atMs, atMs);
  }
  return earliest;
}
