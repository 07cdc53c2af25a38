import type { Quantity } from "../quantity/quantity.ts";
import type { PodSpec } from "../types/core/pod-spec.ts";
import { type Amounts, addAmounts, amountsOf, largerAmounts } from "./amounts.ts";

/**
 * The most a pod asks for, or may use, at any moment: all containers and side-cars together, or one init container with the
 * side-cars that started before it; plus the overhead of its runtime. What the pod states as a whole counts instead of its
 * containers' sum (the original's resource helpers, PodRequests and PodLimits).
 */
export function podTotals(spec: PodSpec, which: "requests" | "limits"): Amounts {
  let total: Map<string, Quantity> = new Map();
  for (const { resources } of spec.containers) total = addAmounts(total, amountsOf(resources?.[which]));
  let sidecars: Amounts = new Map();
  let peak: Amounts = new Map();
  for (const { resources, restartPolicy } of spec.initContainers ?? []) {
    const own = amountsOf(resources?.[which]);
    if (restartPolicy === "Always") {
      total = addAmounts(total, own);
      sidecars = addAmounts(sidecars, own);
      peak = largerAmounts(peak, sidecars);
    } else peak = largerAmounts(peak, addAmounts(sidecars, own));
  }
  total = largerAmounts(total, peak);
  for (const [name, amount] of amountsOf(spec.resources?.[which]))
    if (name === "cpu" || name === "memory" || name.startsWith("hugepages-")) total.set(name, amount);
  const overhead = amountsOf(spec.overhead);
  // Without a limit there is nothing that overhead could be added to.
  for (const [name, amount] of overhead)
    if (which === "requests" || total.has(name)) total.set(name, total.get(name)?.add(amount) ?? amount);
  return total;
}
