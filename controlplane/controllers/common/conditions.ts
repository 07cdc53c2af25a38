/** What the conditions of all kinds share. */
export interface Condition {
  type: string;
  status: "True" | "False" | "Unknown";
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

export function findCondition<C extends { readonly type: string }>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function withoutCondition<C extends { readonly type: string }>(
  conditions: readonly C[] | undefined,
  type: string,
): C[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}

/** Same status and reason: nothing changes. Same status: it keeps the time of its last transition. */
export function withCondition<C extends Condition>(conditions: readonly C[] | undefined, next: C): C[] {
  const current = findCondition(conditions, next.type);
  if (current !== undefined && current.status === next.status && current.reason === next.reason)
    return [...(conditions ?? [])];
  const kept = current?.status === next.status ? { lastTransitionTime: current.lastTransitionTime } : {};
  return [...withoutCondition(conditions, next.type), { ...next, ...kept }];
}
