import type { Lease, Node, NodeCondition } from "../../api/mod.ts";
import { timestamp } from "../../client/mod.ts";
import { findCondition } from "../common/conditions.ts";

/** What was last heard of a node, and when by our own clock: a node's clock is not trusted. */
export interface Health {
  readonly heartbeat: string | undefined;
  readonly renewTime: string | undefined;
  readonly heardAtMs: number;
}

export interface HealthOptions {
  /** Silence after which a node counts as lost. */
  readonly gracePeriodMs: number;
  /** The same for a node that has never reported. */
  readonly startupGracePeriodMs: number;
}

/** A sign of life is a change, of the lease or of the status. */
export function hear(before: Health | undefined, node: Node, lease: Lease | undefined, monotonicMs: number): Health {
  const heartbeat = findCondition(node.status?.conditions, "Ready")?.lastHeartbeatTime;
  const renewTime = lease?.spec?.renewTime;
  const silent = before !== undefined && before.heartbeat === heartbeat && before.renewTime === renewTime;
  return silent ? before : { heartbeat, renewTime, heardAtMs: monotonicMs };
}

/** Kubelets report these; when they fall silent nobody knows. */
const reported = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/** The node's conditions with what is not known any more; undefined while it is heard of. */
export function silentConditions(
  node: Node,
  health: Health,
  options: HealthOptions,
  monotonicMs: number,
  nowMs: number,
): NodeCondition[] | undefined {
  const conditions = node.status?.conditions ?? [];
  const isNew = findCondition(conditions, "Ready") === undefined;
  const grace = isNew ? options.startupGracePeriodMs : options.gracePeriodMs;
  if (monotonicMs - health.heardAtMs <= grace) return undefined;
  const now = timestamp(nowMs);
  const unknown = reported.map((type): NodeCondition => {
    const old = findCondition(conditions, type);
    if (old === undefined) {
      return {
        type,
        status: "Unknown",
        reason: "NodeStatusNeverUpdated",
        message: "Kubelet never posted node status.",
        lastHeartbeatTime: node.metadata.creationTimestamp,
        lastTransitionTime: now,
      };
    }
    if (old.status === "Unknown") return old;
    const message = "Kubelet stopped posting node status.";
    return { ...old, status: "Unknown", reason: "NodeStatusUnknown", message, lastTransitionTime: now };
  });
  return [...conditions.filter(({ type }) => !reported.includes(type)), ...unknown];
}
