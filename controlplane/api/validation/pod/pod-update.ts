import { equalJson } from "../../schema/equal.ts";
import type { NodeAffinity, Toleration } from "../../types/core/affinity.ts";
import type { Container } from "../../types/core/container.ts";
import type { Pod } from "../../types/core/pod.ts";
import type { PodSchedulingGate, PodSpec } from "../../types/core/pod-spec.ts";
import type { NodeSelectorTerm } from "../../types/core/selector.ts";
import type { FieldErrors } from "../field-errors.ts";
import { inRange } from "../formats.ts";
import { validateImagePadding } from "./containers.ts";

const maxInt32 = 2 ** 31 - 1;

const changeable =
  "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/** A running pod is what it is: little of its spec may change. */
export function validatePodUpdate({ spec: next }: Pod, { spec: old }: Pod, errors: FieldErrors): void {
  for (const list of ["containers", "initContainers"] as const) {
    if (!validateSameContainers(next[list] ?? [], old[list] ?? [], `spec.${list}`, errors)) return;
  }
  if (!validateDeadline(next.activeDeadlineSeconds, old.activeDeadlineSeconds, errors)) return;
  validateAddedTolerations(next.tolerations ?? [], old.tolerations ?? [], errors);
  validateRemovedGates(next.schedulingGates ?? [], old.schedulingGates ?? [], errors);
  const isGated = (old.schedulingGates ?? []).length > 0;
  if (isGated) validateNarrowing(next, old, errors);
  const [now, before] = [fixedPart(next, old, isGated), fixedPart(old, old, isGated)];
  const changed = Object.keys({ ...now, ...before }).filter((name) => !equalJson(now[name], before[name]));
  if (changed.length > 0) {
    const detail = `pod updates may not change fields other than ${changeable}\nchanged: ${changed.join(", ")}`;
    errors.forbidden("spec", detail);
  }
}

/** Whether it makes sense to look further. */
function validateSameContainers(
  next: readonly Container[],
  old: readonly Container[],
  field: string,
  errors: FieldErrors,
): boolean {
  if (next.length !== old.length) {
    errors.forbidden(field, "pod updates may not add or remove containers");
    return false;
  }
  for (const [index, { image = "" }] of next.entries()) {
    if (image === "") errors.required(`${field}[${index}].image`);
    validateImagePadding(image, `${field}[${index}].image`, errors);
  }
  return true;
}

/** The spec without what may change. Where it runs is open while the pod is gated, as nothing was decided by it yet. */
function fixedPart(spec: PodSpec, old: PodSpec, isGated: boolean): Record<string, unknown> {
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
  if (isGated) {
    delete fixed.nodeSelector;
    const { nodeAffinity: ____, ...affinity } = spec.affinity ?? {};
    fixed.affinity = affinity;
  }
  return fixed;
}

/** A deadline may come or come closer, never go away or further. */
function validateDeadline(next: number | undefined, old: number | undefined, errors: FieldErrors): boolean {
  const field = "spec.activeDeadlineSeconds";
  if (next === undefined) {
    if (old !== undefined) errors.invalid(field, null, "must not update from a positive integer to nil value");
    return true;
  }
  if (next < 0 || next > maxInt32) errors.invalid(field, next, inRange(0, maxInt32));
  else if (old !== undefined && old < next) {
    errors.invalid(field, next, "must be less than or equal to previous value");
  } else return true;
  return false;
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

function validateRemovedGates(
  next: readonly PodSchedulingGate[],
  old: readonly PodSchedulingGate[],
  errors: FieldErrors,
): void {
  for (const [index, { name }] of next.entries()) {
    if (old.some((gate) => gate.name === name)) continue;
    const rule = `only deletion is allowed, but found new scheduling gate '${name}'`;
    errors.forbidden(`spec.schedulingGates[${index}].name`, rule);
  }
}

/** Whoever holds a pod back may say more about where it runs, but not take back what its maker said. */
function validateNarrowing(next: PodSpec, old: PodSpec, errors: FieldErrors): void {
  for (const [key, value] of Object.entries(old.nodeSelector ?? {})) {
    if (next.nodeSelector?.[key] === value) continue;
    const rule = "only additions are allowed (no mutations or deletions)";
    errors.invalid("spec.nodeSelector", next.nodeSelector ?? {}, rule);
    break;
  }
  const [now, before] = [next.affinity?.nodeAffinity, old.affinity?.nodeAffinity];
  if (!equalJson(now, before)) validateAffinityNarrowing(now, before, errors);
}

function validateAffinityNarrowing(
  next: NodeAffinity | undefined,
  old: NodeAffinity | undefined,
  errors: FieldErrors,
): void {
  const required = old?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required === undefined) return;
  const field = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
  const before = required.nodeSelectorTerms ?? [];
  const now = next?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  if (now.length !== before.length) {
    errors.invalid(field, now, "no additions/deletions to non-empty NodeSelectorTerms list are allowed");
    return;
  }
  for (const [index, term] of now.entries()) {
    if (isNarrower(term, before[index] as NodeSelectorTerm)) continue;
    const rule = "only additions are allowed (no mutations or deletions)";
    errors.invalid(`${field}[${index}]`, term, rule);
  }
}

/** A term that selects nothing selects no node; adding to it would widen it. */
function isNarrower(next: NodeSelectorTerm, old: NodeSelectorTerm): boolean {
  const isEmpty = (old.matchExpressions ?? []).length + (old.matchFields ?? []).length === 0;
  if (isEmpty) return equalJson(next, old);
  return (["matchExpressions", "matchFields"] as const).every((list) =>
    (old[list] ?? []).every((requirement, index) => equalJson(next[list]?.[index], requirement)),
  );
}
