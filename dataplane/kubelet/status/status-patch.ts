import { equalJson, type PodStatus } from "../../../controlplane/api/mod.ts";
import { ownConditions } from "./conditions.ts";

/** Lists that a strategic merge would merge by key where the kubelet means "exactly these". */
const replaced = ["podIPs", "hostIPs"] as const;

/** Fields the kubelet owns; everything else in a status belongs to others. */
const owned = [
  "phase",
  "reason",
  "message",
  "hostIP",
  "hostIPs",
  "podIP",
  "podIPs",
  "startTime",
  "initContainerStatuses",
  "containerStatuses",
  "ephemeralContainerStatuses",
  "qosClass",
  "observedGeneration",
] as const satisfies readonly (keyof PodStatus)[];

/** The strategic merge patch that turns one status into the other; undefined: they say the same. */
export function statusPatch(from: PodStatus, to: PodStatus): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {};
  for (const field of owned) {
    if (equalJson(from[field], to[field])) continue;
    const value = to[field];
    if (value === undefined) patch[field] = null;
    else if (replaced.includes(field as (typeof replaced)[number]) && from[field] !== undefined) {
      patch[field] = [{ $patch: "replace" }, ...(value as object[])];
    } else patch[field] = value;
  }
  const conditions = (to.conditions ?? []).filter((condition) => {
    if (!ownConditions.has(condition.type) && condition.reason !== "TerminationByKubelet") return false;
    return !equalJson(
      from.conditions?.find(({ type }) => type === condition.type),
      condition,
    );
  });
  // A merge by type keeps what the new condition leaves out: an old reason must be taken back by name.
  const gone = (from.conditions ?? []).filter(
    ({ type }) => ownConditions.has(type) && !to.conditions?.some((condition) => condition.type === type),
  );
  if (conditions.length + gone.length > 0) {
    patch.conditions = [
      ...conditions.map((condition) => ({ reason: null, message: null, ...withoutUndefined(condition) })),
      ...gone.map(({ type }) => ({ $patch: "delete", type })),
    ];
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function withoutUndefined(object: object): object {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
