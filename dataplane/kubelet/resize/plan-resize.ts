import { equalJson, type Node, type Pod } from "../../../controlplane/api/mod.ts";
import { shortage } from "../pod/admit.ts";
import { isStatic } from "../staticpods/manifest.ts";

/** What becomes of a pod's wish for other resources than it has. */
export type ResizeVerdict =
  | { readonly kind: "nothing to do" }
  | { readonly kind: "grant" }
  /** Deferred: not now, perhaps when others have gone. Infeasible: never on this node. */
  | { readonly kind: "pending"; readonly reason: "Deferred" | "Infeasible"; readonly message: string };

/** `granted`: the pod with what it has. `others`: the node's other pods with what they have. */
export function planResize(wished: Pod, granted: Pod, node: Node, others: readonly Pod[]): ResizeVerdict {
  if (equalJson(resourcesOf(wished), resourcesOf(granted))) return { kind: "nothing to do" };
  if (isStatic(wished))
    return { kind: "pending", reason: "Infeasible", message: "In-place resize of static-pods is not supported" };
  const alone = shortage(wished, node, []);
  if (alone !== undefined)
    return { kind: "pending", reason: "Infeasible", message: alone.message.replace("resource", "capacity") };
  const together = shortage(wished, node, others);
  if (together !== undefined) return { kind: "pending", reason: "Deferred", message: together.message };
  return { kind: "grant" };
}

function resourcesOf({ spec }: Pod) {
  return [...spec.containers, ...(spec.initContainers ?? [])].map(({ name, resources = {} }) => [name, resources]);
}
