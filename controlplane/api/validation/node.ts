import { equalJson } from "../schema/equal.ts";
import type { Taint } from "../types/core/affinity.ts";
import type { Node } from "../types/core/node.ts";
import { validateOneOf } from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isCIDR, isLabelValue, isQualifiedName } from "./formats.ts";
import { taintEffects } from "./pod/scheduling.ts";

export function validateNode({ spec }: Node, errors: FieldErrors): void {
  validateTaints(spec.taints ?? [], errors);
  for (const [index, range] of (spec.podCIDRs ?? []).entries()) {
    errors.invalidEach(`spec.podCIDRs[${index}]`, range, isCIDR(range));
  }
}

function validateTaints(taints: readonly Taint[], errors: FieldErrors): void {
  const seen = new Set<string>();
  for (const [index, { key, value = "", effect }] of taints.entries()) {
    const at = `spec.taints[${index}]`;
    errors.invalidEach(`${at}.key`, key, isQualifiedName(key));
    errors.invalidEach(`${at}.value`, value, isLabelValue(value));
    validateOneOf(effect, taintEffects, `${at}.effect`, errors);
    // The same key may stand several times, with different effects.
    const identity = `${effect} ${key}`;
    if (seen.has(identity)) errors.duplicate(at, { key, value, effect });
    seen.add(identity);
  }
}

/** Pods hold addresses out of these ranges, and volumes know the provider's id: once set, both stay. */
export function validateNodeUpdate(next: Node, old: Node, errors: FieldErrors): void {
  const ranges = old.spec.podCIDRs ?? [];
  if (ranges.length > 0 && !equalJson(ranges, next.spec.podCIDRs)) {
    errors.forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid');
  }
  if (old.spec.providerID && next.spec.providerID !== old.spec.providerID) {
    errors.forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid');
  }
}
