import type { Clock } from "../../base/mod.ts";
import type { Pod } from "../api/mod.ts";
import { type Client, timestamp } from "../client/mod.ts";

/** The field of an event holds no more. */
const longestMessage = 1024;

export function shortened(message: string): string {
  return message.length <= longestMessage ? message : `${message.slice(0, longestMessage - 4)} ...`;
}

export type UnscheduledReason = "Unschedulable" | "SchedulerError" | "SchedulingGated";

export interface UnscheduledStatus {
  readonly reason: UnscheduledReason;
  readonly message: string;
  /** Undefined leaves it as it is, "" clears it. */
  readonly nominatedNodeName?: string;
}

/** Writes why a pod has no node into its status, unless that is what it says already. */
export async function writeUnscheduled(
  pod: Pod,
  status: UnscheduledStatus,
  client: Client,
  clock: Clock,
): Promise<void> {
  const { reason, message, nominatedNodeName } = status;
  const said = pod.status?.conditions?.find((condition) => condition.type === "PodScheduled");
  const isSaid = said?.status === "False" && said.reason === reason && said.message === message;
  const isNominated = nominatedNodeName === undefined || nominatedNodeName === (pod.status?.nominatedNodeName ?? "");
  if (isSaid && isNominated) return;
  const lastTransitionTime = said?.status === "False" ? said.lastTransitionTime : timestamp(clock.now());
  const condition = { type: "PodScheduled", status: "False", reason, message, lastTransitionTime };
  const nomination = isNominated ? {} : { nominatedNodeName: nominatedNodeName || null };
  const { namespace, name = "", uid } = pod.metadata;
  const patch = { metadata: { uid }, status: { conditions: [condition], ...nomination } };
  await client.pods.patch(namespace, name, "strategic", patch, { subresource: "status" });
}
