import type { DaemonSetStatus, Pod } from "../../api/mod.ts";
import { isAvailable, isReady, isTerminal } from "../common/pods.ts";
import { nodeOf } from "./daemon-pod.ts";
import { isCurrent, isStaying, type Observed, type Place, placesOf, surges } from "./places.ts";
import { rollingUpdate } from "./rolling-update.ts";

export interface Plan {
  /** Names of the nodes that are to get a pod. */
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
  /** Of those to remove, the ones that ended by themselves: their successors come with growing delays. */
  readonly finished: readonly Pod[];
}

/** The decision alone: first one pod on each node that should have one, then, if that is so, the update. */
export function plan(observed: Observed): Plan {
  const places = placesOf(observed);
  const managed = manage(observed, places);
  if (managed.create.length > 0 || managed.remove.length > 0) return managed;
  if (observed.set.spec.updateStrategy?.type === "OnDelete") return managed;
  return { ...managed, ...rollingUpdate(observed, places) };
}

function manage({ set, nodes, pods, hash, backsOff, nowMs }: Observed, places: readonly Place[]): Plan {
  const create: string[] = [];
  const remove: Pod[] = [];
  const finished: Pod[] = [];
  const { minReadySeconds = 0 } = set.spec;
  for (const place of places) {
    const staying = place.pods.filter(isStaying);
    if (!place.mayStay) {
      remove.push(...staying);
      continue;
    }
    // One on its way out keeps its place: two daemons of one set must not meet on a node.
    if (place.pods.length === 0) {
      if (place.shouldRun) create.push(place.node.metadata.name ?? "");
      continue;
    }
    const ended = staying.filter((pod) => isTerminal(pod) && !(pod.status?.phase === "Failed" && backsOff(pod)));
    finished.push(...ended);
    remove.push(
      ...ended,
      ...superfluous(
        staying.filter((pod) => !isTerminal(pod)),
        hash,
        surges(set),
        (pod) => isAvailable(pod, minReadySeconds, nowMs),
      ),
    );
  }
  // Pods for nodes that vanished before they got there.
  const known = new Set(nodes.map(({ metadata }) => metadata.name));
  remove.push(...pods.filter((pod) => isStaying(pod) && !pod.spec.nodeName && !known.has(nodeOf(pod) ?? "")));
  return { create, remove, finished };
}

/** All but the oldest. During a surge, all but the oldest old and the oldest new one, and the old one once the new one is available. */
function superfluous(running: readonly Pod[], hash: string, surge: boolean, available: (pod: Pod) => boolean): Pod[] {
  if (!surge) return running.slice(1);
  const [fresh, ...moreFresh] = running.filter((pod) => isCurrent(pod, hash));
  const [old, ...moreOld] = running.filter((pod) => !isCurrent(pod, hash));
  const replaced = old !== undefined && fresh !== undefined && available(fresh) ? [old] : [];
  return [...moreFresh, ...moreOld, ...replaced];
}

export function statusOf(observed: Observed, collisionCount: number | undefined): DaemonSetStatus {
  const { set, hash, nowMs } = observed;
  const places = placesOf(observed);
  const wanted = places.filter(({ shouldRun }) => shouldRun);
  const served = wanted.filter(({ pods }) => pods.length > 0);
  const oldest = served.map(({ pods }) => pods[0] as Pod);
  const available = oldest.filter((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs)).length;
  const { conditions } = set.status ?? {};
  return {
    desiredNumberScheduled: wanted.length,
    currentNumberScheduled: served.length,
    numberMisscheduled: places.filter(({ shouldRun, pods }) => !shouldRun && pods.length > 0).length,
    numberReady: oldest.filter(isReady).length,
    updatedNumberScheduled: oldest.filter((pod) => isCurrent(pod, hash)).length,
    numberAvailable: available,
    numberUnavailable: wanted.length - available,
    observedGeneration: set.metadata.generation,
    ...(collisionCount === undefined ? {} : { collisionCount }),
    ...(conditions === undefined ? {} : { conditions }),
  };
}
