import type { Pod } from "../../../controlplane/api/mod.ts";
import { isCritical } from "../eviction/rank.ts";
import { type QosClass, qosClass } from "./qos.ts";

const promise: Readonly<Record<QosClass, number>> = { BestEffort: 0, Burstable: 1, Guaranteed: 2 };

/**
 * Who has to go so that a critical pod fits: those that were promised least, one after the other, until it does; of these nobody in vain
 * (pkg/kubelet/preemption). Undefined: it would not fit even then.
 */
export function victimsFor(
  pod: Pod,
  others: readonly Pod[],
  fits: (others: readonly Pod[]) => boolean,
): Pod[] | undefined {
  const mayGo = others
    .filter((other) => !isCritical(other) && (other.spec.priority ?? 0) < Math.max(pod.spec.priority ?? 0, 1))
    .sort((a, b) => promise[qosClass(a)] - promise[qosClass(b)] || (a.spec.priority ?? 0) - (b.spec.priority ?? 0));
  const victims = new Set<Pod>();
  const without = () => others.filter((other) => !victims.has(other));
  for (const candidate of mayGo) {
    if (fits(without())) break;
    victims.add(candidate);
  }
  if (!fits(without())) return undefined;
  // The last ones may have made room that the first were not needed for.
  for (const victim of [...victims]) {
    victims.delete(victim);
    if (!fits(without())) victims.add(victim);
  }
  return [...victims];
}
