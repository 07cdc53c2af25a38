import { defaultDaemonSet } from "../defaults/workloads.ts";
import { daemonSetColumns } from "../printers/workloads.ts";
import { equalJson } from "../schema/equal.ts";
import { DaemonSet } from "../types/apps/daemon-set.ts";
import { validateDaemonSet, validateDaemonSetUpdate } from "../validation/daemon-set.ts";
import { resource } from "./resource.ts";

/** Counts changes of the template alone. Older clients read it, so it is still kept. */
const templateGeneration = "deprecated.daemonset.template.generation";

export const daemonSets = resource<DaemonSet>(DaemonSet, {
  plural: "daemonsets",
  shortNames: ["ds"],
  categories: ["all"],
  scope: "Namespaced",
  status: true,
  hash: "dd7pWHUlMKQ=",
  columns: daemonSetColumns,
  strategy: {
    tracksGeneration: true,
    defaults: defaultDaemonSet,
    validate: validateDaemonSet,
    validateUpdate: validateDaemonSetUpdate,
    prepareForCreate: (daemonSet) => countTemplates(daemonSet, templatesOf(daemonSet) || 1),
    prepareForUpdate: (next, old) => {
      const same = equalJson(next.spec.template, old.spec.template);
      countTemplates(next, templatesOf(old) + (same ? 0 : 1));
    },
  },
});

function templatesOf({ metadata }: DaemonSet): number {
  const count = Number(metadata.annotations?.[templateGeneration]);
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}

function countTemplates({ metadata }: DaemonSet, count: number): void {
  metadata.annotations = { ...metadata.annotations, [templateGeneration]: String(count) };
}
