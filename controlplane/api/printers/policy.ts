import type { ResourceQuota } from "../types/core/quota.ts";
import type { RuntimeClass } from "../types/node.ts";
import type { PodDisruptionBudget } from "../types/policy.ts";
import type { PriorityClass } from "../types/scheduling.ts";
import { ageColumn, type Column, column, nameColumn } from "./column.ts";

export const resourceQuotaColumns: readonly Column<ResourceQuota>[] = [
  nameColumn,
  column("Request", "What is used, of what may be.", (quota) => usage(quota, (name) => !name.startsWith("limits."))),
  column("Limit", "The same of limits.", (quota) => usage(quota, (name) => name.startsWith("limits."))),
  ageColumn,
];

function usage({ status }: ResourceQuota, belongs: (name: string) => boolean): string {
  const hard = Object.entries(status?.hard ?? {}).filter(([name]) => belongs(name));
  return hard
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, limit]) => `${name}: ${status?.used?.[name] ?? "0"}/${limit}`)
    .join(", ");
}

export const podDisruptionBudgetColumns: readonly Column<PodDisruptionBudget>[] = [
  nameColumn,
  column("Min Available", "Fewest pods that must be up.", ({ spec }) => String(spec.minAvailable ?? "N/A")),
  column("Max Unavailable", "Most pods that may be down.", ({ spec }) => String(spec.maxUnavailable ?? "N/A")),
  column("Allowed Disruptions", "How many may go now.", ({ status }) => status?.disruptionsAllowed ?? 0, "integer"),
  ageColumn,
];

export const priorityClassColumns: readonly Column<PriorityClass>[] = [
  nameColumn,
  column("Value", "The priority: higher goes first.", ({ value }) => value ?? 0, "integer"),
  column("Global-Default", "Whether pods get it unasked.", ({ globalDefault }) => globalDefault ?? false, "boolean"),
  ageColumn,
  column("PreemptionPolicy", "Whether others make room.", ({ preemptionPolicy }) => preemptionPolicy ?? ""),
];

export const runtimeClassColumns: readonly Column<RuntimeClass>[] = [
  nameColumn,
  column("Handler", "The configuration's name on the node.", ({ handler }) => handler),
  ageColumn,
];
