import type { Pod } from "../../api/mod.ts";
import { isTerminal } from "../common/pods.ts";

export type Garbage =
  /** Finished, and there are too many of those. */
  | { readonly pod: Pod; readonly why: "terminated" }
  /** Its node is gone, and nobody will ever report on it. */
  | { readonly pod: Pod; readonly why: "orphaned" }
  /** Deleted on a node of which an administrator says that it is down for good: no kubelet confirms the deletion. */
  | { readonly pod: Pod; readonly why: "out of service" }
  /** Deleted before it had a node: no kubelet confirms the deletion. */
  | { readonly pod: Pod; readonly why: "unscheduled" };

/** Which pods nobody else will clean up. `isGone` is told of nodes that have been missing for a while. */
export function plan(
  pods: readonly Pod[],
  terminatedThreshold: number,
  isGone: (nodeName: string) => boolean,
  isOutOfService: (nodeName: string) => boolean = () => false,
): Garbage[] {
  const garbage: Garbage[] = [];
  const finished = pods.filter((pod) => isTerminal(pod) && pod.metadata.deletionTimestamp === undefined);
  const surplus = terminatedThreshold > 0 ? finished.length - terminatedThreshold : 0;
  if (surplus > 0) {
    for (const pod of [...finished].sort(oldestFirst).slice(0, surplus)) garbage.push({ pod, why: "terminated" });
  }
  for (const pod of pods) {
    const { nodeName } = pod.spec;
    if (nodeName) {
      if (isGone(nodeName)) garbage.push({ pod, why: "orphaned" });
      else if (pod.metadata.deletionTimestamp !== undefined && isOutOfService(nodeName))
        garbage.push({ pod, why: "out of service" });
    } else if (pod.metadata.deletionTimestamp !== undefined) garbage.push({ pod, why: "unscheduled" });
  }
  return garbage;
}

function oldestFirst(a: Pod, b: Pod): number {
  const [x = "", y = ""] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (x !== y) return x < y ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
