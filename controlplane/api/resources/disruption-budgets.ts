import { podDisruptionBudgetColumns } from "../printers/policy.ts";
import { PodDisruptionBudget } from "../types/policy.ts";
import { validatePodDisruptionBudget } from "../validation/disruption-budget.ts";
import { resource } from "./resource.ts";

export const podDisruptionBudgets = resource<PodDisruptionBudget>(PodDisruptionBudget, {
  plural: "poddisruptionbudgets",
  shortNames: ["pdb"],
  scope: "Namespaced",
  status: true,
  hash: "EVWiDmWqyJw=",
  columns: podDisruptionBudgetColumns,
  strategy: { tracksGeneration: true, validate: validatePodDisruptionBudget, refuseUnconditionalUpdate: true },
});
