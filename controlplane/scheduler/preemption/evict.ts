import type { Clock } from "../../../base/mod.ts";
import { type Client, type EventRecorder, isConflict, isNotFound, timestamp } from "../../client/mod.ts";
import type { PodInfo } from "../pod-info.ts";

export interface EvictionTools {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
}

/**
 * Carries a preemption out: says in the victim's status why it goes, deletes it, and tells with an event. A victim that is gone, or has been replaced
 * by another of its name, is what was wanted. Budgets were honoured as far as possible when victims were chosen.
 */
export async function evict(
  victim: PodInfo,
  preemptor: PodInfo,
  node: string,
  { client, recorder, clock }: EvictionTools,
): Promise<void> {
  const { namespace, name = "", uid, deletionTimestamp } = victim.pod.metadata;
  if (deletionTimestamp !== undefined) return;
  const condition = {
    type: "DisruptionTarget",
    status: "True",
    reason: "PreemptionByScheduler",
    message: `${preemptor.pod.spec?.schedulerName ?? "default-scheduler"}: preempting to accommodate a higher priority pod`,
    lastTransitionTime: timestamp(clock.now()),
  };
  const patch = { metadata: { uid }, status: { conditions: [condition] } };
  try {
    await client.pods.patch(namespace, name, "strategic", patch, { subresource: "status" });
    await client.pods.delete(namespace, name, uid === undefined ? {} : { preconditions: { uid } });
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return;
    throw error;
  }
  recorder.event(victim.pod, "Normal", "Preempted", `Preempted by pod ${preemptor.pod.metadata.uid} on node ${node}`);
}

/** Takes back what was promised to a pod that now has to look for another node. */
export async function clearNomination(pod: PodInfo, client: Client): Promise<void> {
  const { namespace, name = "", uid } = pod.pod.metadata;
  const patch = { metadata: { uid }, status: { nominatedNodeName: null } };
  try {
    await client.pods.patch(namespace, name, "strategic", patch, { subresource: "status" });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
