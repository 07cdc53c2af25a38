import type { LimitRange, LimitRangeItem } from "../types/core/quota.ts";

export function defaultLimitRange({ spec }: LimitRange): void {
  for (const item of spec.limits ?? []) if (item.type === "Container") fillContainerDefaults(item);
}

/** What a container gets unasked: at most the maximum; and of that it asks for all, unless a default or the minimum says less. */
function fillContainerDefaults(item: LimitRangeItem): void {
  item.default = { ...item.max, ...item.default };
  item.defaultRequest = { ...item.min, ...item.default, ...item.defaultRequest };
  if (Object.keys(item.default).length === 0) delete item.default;
  if (Object.keys(item.defaultRequest).length === 0) delete item.defaultRequest;
}
