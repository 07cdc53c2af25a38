import { equalJson } from "../../schema/equal.ts";
import type { Toleration } from "../../types/core/affinity.ts";
import type { Pod } from "../../types/core/pod.ts";
import type { PodSpec } from "../../types/core/pod-spec.ts";
import type { FieldErrors } from "../field-errors.ts";
import { inRange } from "../formats.ts";
import { validatePodSpec } from "./pod-spec.ts";

const maxInt32 = 2 ** 31 - 1;

export function validatePod({ spec }: Pod, errors: FieldErrors): void {
  validatePodSpec(spec, "spec", errors);
}

export function validatePodCreate({ spec }: Pod, errors: FieldErrors): void {
  if (spec.nodeName && (spec.schedulingGates ?? []).length > 0) {
    errors.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared");
  }
  if ((spec.ephemeralContainers ?? []).length > 0) {
    errors.forbidden("spec.ephemeralContainers", "cannot be set on create");
  }
}

const changeable =
  "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/** A running pod is what it is: little of its spec may change. */
export function validatePodUpdate(next: Pod, old: Pod, errors: FieldErrors): void {
  validateDeadline(next.spec.activeDeadlineSeconds, old.spec.activeDeadlineSeconds, errors);
  validateAddedTolerations(next.spec.tolerations ?? [], old.spec.tolerations ?? [], errors);
  const added = (next.spec.schedulingGates ?? []).filter(
    ({ name }) => !old.spec.schedulingGates?.some((gate) => gate.name === name),
  );
  if (added.length > 0) {
    const detail = `only deletion is allowed, but found new scheduling gates ${added.map(({ name }) => `'${name}'`).join(", ")}`;
    errors.forbidden("spec.schedulingGates", detail);
  }
  if (!equalJson(fixedPart(next.spec, old.spec), fixedPart(old.spec, old.spec))) {
    const changed = Object.keys({ ...next.spec, ...old.spec }).filter(
      (name) => !equalJson(fixedPart(next.spec, old.spec)[name], fixedPart(old.spec, old.spec)[name]),
    );
    errors.forbidden(
      "spec",
      `pod updates may not change fields other than ${changeable}\nchanged: ${changed.join(", ")}`,
    );
  }
}

/** The spec without what may change. Scheduling directives are free while the pod is gated, as nothing was decided by them yet. */
function fixedPart(spec: PodSpec, old: PodSpec): Record<string, unknown> {
  const { activeDeadlineSeconds: _, tolerations: __, schedulingGates: ___, ...rest } = spec;
  const withoutImages = (containers: PodSpec["containers"] | undefined) =>
    containers?.map(({ image: _image, ...container }) => container);
  const fixed: Record<string, unknown> = {
    ...rest,
    containers: withoutImages(spec.containers),
    initContainers: withoutImages(spec.initContainers),
  };
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) {
    fixed.terminationGracePeriodSeconds = old.terminationGracePeriodSeconds;
  }
  if ((old.schedulingGates ?? []).length > 0) {
    delete fixed.nodeSelector;
    delete fixed.affinity;
  }
  return fixed;
}

/** A deadline may come or come closer, never go away or further. */
function validateDeadline(next: number | undefined, old: number | undefined, errors: FieldErrors): void {
  const field = "spec.activeDeadlineSeconds";
  if (next !== undefined && (next < 0 || next > maxInt32)) errors.invalid(field, next, inRange(0, maxInt32));
  else if (next !== undefined && old !== undefined && old < next) {
    errors.invalid(field, next, "must be less than or equal to previous value");
  } else if (next === undefined && old !== undefined) {
    errors.invalid(field, null, "must not update from a positive integer to nil value");
  }
}

function validateAddedTolerations(next: readonly Toleration[], old: readonly Toleration[], errors: FieldErrors): void {
  const isKept = (toleration: Toleration) =>
    next.some((other) => {
      const { tolerationSeconds: _, ...rest } = other;
      const { tolerationSeconds: __, ...wanted } = toleration;
      return equalJson(rest, wanted);
    });
  if (!old.every(isKept)) {
    errors.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds");
  }
}
