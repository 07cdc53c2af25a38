import type { Pod } from "../../types/core/pod.ts";
import type { FieldErrors } from "../field-errors.ts";
import { validatePodSpec } from "./pod-spec.ts";

export function validatePod({ spec, metadata }: Pod, errors: FieldErrors): void {
  validatePodSpec(spec, metadata.name, "spec", errors);
  if (spec.serviceAccountName) return;
  for (const [index, { projected }] of (spec.volumes ?? []).entries()) {
    for (const [i, { serviceAccountToken }] of (projected?.sources ?? []).entries()) {
      if (serviceAccountToken === undefined) continue;
      const at = `spec.volumes[${index}].projected.sources[${i}].serviceAccountToken`;
      errors.forbidden(at, "must not be specified when serviceAccountName is not set");
    }
  }
}

export function validatePodCreate({ spec }: Pod, errors: FieldErrors): void {
  if (spec.nodeName && (spec.schedulingGates ?? []).length > 0) {
    errors.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared");
  }
  if ((spec.ephemeralContainers ?? []).length > 0) {
    errors.forbidden("spec.ephemeralContainers", "cannot be set on create");
  }
}
