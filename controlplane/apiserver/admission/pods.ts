import { type Pod, status, type Toleration } from "../../api/mod.ts";
import { fail } from "../fail.ts";

const NODE_TROUBLE_SECONDS = 300;

/** A pod stays for five minutes on a node that fell silent, unless it says otherwise. */
export function defaultTolerations({ spec }: Pod): void {
  for (const key of ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]) {
    if (spec.tolerations?.some((toleration) => coversNoExecute(toleration, key))) continue;
    const toleration: Toleration = {
      key,
      operator: "Exists",
      effect: "NoExecute",
      tolerationSeconds: NODE_TROUBLE_SECONDS,
    };
    spec.tolerations = [...(spec.tolerations ?? []), toleration];
  }
}

function coversNoExecute({ key, effect }: Toleration, taint: string): boolean {
  return (!key || key === taint) && (!effect || effect === "NoExecute");
}

const priorityClasses: Readonly<Record<string, number>> = {
  "": 0,
  "system-cluster-critical": 2_000_000_000,
  "system-node-critical": 2_000_001_000,
};

/** PriorityClasses are not served: there are the two that every cluster has, and the priority of all others. */
export function defaultPriority({ metadata, spec }: Pod): void {
  const name = spec.priorityClassName ?? "";
  const priority = Object.hasOwn(priorityClasses, name) ? priorityClasses[name] : undefined;
  if (priority === undefined) {
    const why = `no PriorityClass with name ${name} was found`;
    fail(status.forbidden({ group: "", resource: "pods" }, metadata.name ?? "", why));
  }
  spec.priority = priority;
  spec.preemptionPolicy ??= "PreemptLowerPriority";
}

/** How long a pod has to end. What runs nowhere, or has ended, goes at once. */
export function podGracePeriod({ spec, status: seen }: Pod, asked: number | undefined): number {
  if (!spec.nodeName || seen?.phase === "Succeeded" || seen?.phase === "Failed") return 0;
  const period = asked ?? spec.terminationGracePeriodSeconds ?? 0;
  return period < 0 ? 1 : period;
}
