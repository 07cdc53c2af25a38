import type { Deployment } from "../../api/mod.ts";

type IntOrString = number | string | undefined;

/** A number, or percent of `total`. */
function scaled(value: IntOrString, total: number, round: (x: number) => number): number {
  if (value === undefined) return 0;
  if (typeof value === "number") return value;
  const percent = /^(\d+)%$/.exec(value)?.[1];
  return percent === undefined ? 0 : round((Number(percent) * total) / 100);
}

export interface Limits {
  /** How many pods may exist above the wanted number. */
  readonly maxSurge: number;
  /** How many of the wanted number may be unavailable. */
  readonly maxUnavailable: number;
}

export function desiredReplicas(deployment: Deployment): number {
  return deployment.spec.replicas ?? 1;
}

export function isRollingUpdate(deployment: Deployment): boolean {
  return deployment.spec.strategy?.type !== "Recreate";
}

/** Both zero would never move: then one may be unavailable. With Recreate both are zero and mean nothing. */
export function limitsOf(deployment: Deployment): Limits {
  if (!isRollingUpdate(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const replicas = desiredReplicas(deployment);
  const { maxSurge, maxUnavailable } = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = scaled(maxSurge ?? "25%", replicas, Math.ceil);
  const unavailable = scaled(maxUnavailable ?? "25%", replicas, Math.floor);
  if (surge === 0 && unavailable === 0) return { maxSurge: 0, maxUnavailable: Math.min(1, replicas) };
  return { maxSurge: surge, maxUnavailable: Math.min(unavailable, replicas) };
}
