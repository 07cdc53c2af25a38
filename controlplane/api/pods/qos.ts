import { Quantity } from "../quantity/quantity.ts";
import type { PodSpec } from "../types/core/pod-spec.ts";

/**
 * What the node gives up first when it runs short: BestEffort asked for nothing; Guaranteed limits CPU and memory of every container
 * to what it requests; Burstable is the rest.
 */
export function qosClassOf(spec: PodSpec): "Guaranteed" | "Burstable" | "BestEffort" {
  let asksForNothing = true;
  let isGuaranteed = true;
  for (const { resources } of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    for (const name of ["cpu", "memory"]) {
      const request = Quantity.of(resources?.requests?.[name]);
      const limit = Quantity.of(resources?.limits?.[name]);
      if (!request.isZero() || !limit.isZero()) asksForNothing = false;
      if (limit.isZero() || (!request.isZero() && request.compare(limit) !== 0)) isGuaranteed = false;
    }
  }
  if (asksForNothing) return "BestEffort";
  return isGuaranteed ? "Guaranteed" : "Burstable";
}
