import { type FilterPlugin, maxNodeScore, type ScorePlugin } from "../framework.ts";
import { allocatableOf } from "../node-info.ts";

/** Every resource that the pod requests must be free on the node, and a slot for one more pod. */
export const nodeResourcesFit: FilterPlugin = {
  name: "NodeResourcesFit",
  filter(pod, node) {
    const reasons: string[] = [];
    if (node.pods.size + 1 > node.allocatable.pods) reasons.push("Too many pods");
    let beyondCapacity = false;
    for (const [resource, request] of pod.requests) {
      if (request === 0) continue;
      const allocatable = node.allocatable.resources.get(resource) ?? 0;
      if (request <= allocatable - (node.requested.get(resource) ?? 0)) continue;
      reasons.push(`Insufficient ${resource}`);
      // Even an empty node would be too small.
      if (request > allocatable) beyondCapacity = true;
    }
    return reasons.length === 0 ? undefined : { reasons, unresolvable: beyondCapacity };
  },
  mayHelp(event, pod) {
    switch (event.kind) {
      case "NodeAdd":
      case "AssignedPodDelete":
      case "AssignedPodUpdate":
        return true;
      case "NodeUpdate": {
        const [before, now] = [allocatableOf(event.old), allocatableOf(event.node)];
        if (now.pods > before.pods) return true;
        return [...pod.requests.keys()].some(
          (resource) => (now.resources.get(resource) ?? 0) > (before.resources.get(resource) ?? 0),
        );
      }
    }
  },
};

/** LeastAllocated: the emptier a node stays in CPU and memory, the better. Missing requests count as small ones. */
export const leastAllocated: ScorePlugin = {
  name: "NodeResourcesFit",
  weight: 1,
  score(pod, node) {
    let sum = 0;
    let weights = 0;
    for (const resource of ["cpu", "memory"] as const) {
      const allocatable = node.allocatable.resources.get(resource) ?? 0;
      if (allocatable === 0) continue;
      const requested = node.nonZeroRequested[resource] + pod.nonZeroRequests[resource];
      sum += requested > allocatable ? 0 : Math.floor(((allocatable - requested) * maxNodeScore) / allocatable);
      weights++;
    }
    return weights === 0 ? 0 : Math.floor(sum / weights);
  },
};
