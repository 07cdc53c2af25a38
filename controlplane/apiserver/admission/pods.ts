import type { Pod } from "../../api/mod.ts";

/** How long a pod has to end. What runs nowhere, or has ended, goes at once. */
export function podGracePeriod({ spec, status: seen }: Pod, asked: number | undefined): number {
  if (!spec.nodeName || seen?.phase === "Succeeded" || seen?.phase === "Failed") return 0;
  const period = asked ?? spec.terminationGracePeriodSeconds ?? 0;
  return period < 0 ? 1 : period;
}
