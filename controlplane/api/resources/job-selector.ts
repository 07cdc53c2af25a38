import type { Job } from "../types/batch/job.ts";
import { controllerUidLabel } from "../validation/job.ts";

/** Unless the user selects by hand, a Job finds its pods by its uid. The labels without a prefix are those of older releases. */
export function ownPodsByUid({ metadata, spec }: Job): void {
  if (spec.manualSelector === true) return;
  const uid = metadata.uid ?? "";
  spec.template.metadata ??= {};
  spec.template.metadata.labels = {
    ...spec.template.metadata.labels,
    [controllerUidLabel]: uid,
    "batch.kubernetes.io/job-name": metadata.name,
    "controller-uid": uid,
    "job-name": metadata.name,
  };
  spec.selector = { matchLabels: { [controllerUidLabel]: uid } };
}
