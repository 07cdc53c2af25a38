import type { RuntimeClass } from "../types/node.ts";
import type { PriorityClass } from "../types/scheduling.ts";
import { validateOneOf, validateQuantityNotNegative } from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isDNS1123Label, isQualifiedName } from "./formats.ts";
import { validateImmutable, validateLabels } from "./metadata.ts";
import { validateTolerations } from "./pod/scheduling.ts";

const highestUserPriority = 1_000_000_000;
/** What keeps the cluster and its nodes alive, above every user's pods. */
const systemClasses: Readonly<Record<string, number>> = {
  "system-node-critical": 2_000_001_000,
  "system-cluster-critical": 2_000_000_000,
};

export function validatePriorityClass(priorityClass: PriorityClass, errors: FieldErrors): void {
  const { metadata, value = 0, preemptionPolicy } = priorityClass;
  if (metadata.name.startsWith("system-")) {
    const wrong = systemClassError(priorityClass);
    const rule = "priority class names with 'system-' prefix are reserved for system use only. error:";
    if (wrong !== undefined) errors.forbidden("metadata.name", `${rule} ${wrong}`);
  } else if (value > highestUserPriority) {
    errors.forbidden("value", `maximum allowed value of a user defined priority is ${highestUserPriority}`);
  }
  validateOneOf(preemptionPolicy, ["PreemptLowerPriority", "Never"], "preemptionPolicy", errors);
}

function systemClassError({ metadata: { name }, value = 0, globalDefault = false }: PriorityClass): string | undefined {
  const known = systemClasses[name];
  if (known === undefined) return `${name} is not a known system priority class`;
  if (value !== known) return `value of ${name} PriorityClass must be ${known}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}

/** Pods carry the number: changing it here would change nothing there. */
export function validatePriorityClassUpdate(next: PriorityClass, old: PriorityClass, errors: FieldErrors): void {
  if ((next.value ?? 0) !== (old.value ?? 0)) errors.forbidden("value", "may not be changed in an update.");
  validateImmutable(next.preemptionPolicy, old.preemptionPolicy, "preemptionPolicy", errors);
}

export function validateRuntimeClass({ handler, overhead, scheduling }: RuntimeClass, errors: FieldErrors): void {
  errors.invalidEach("handler", handler, isDNS1123Label(handler));
  for (const [name, amount] of Object.entries(overhead?.podFixed ?? {})) {
    errors.invalidEach(`overhead.podFixed[${name}]`, name, isQualifiedName(name));
    validateQuantityNotNegative(amount, `overhead.podFixed[${name}]`, errors);
  }
  validateLabels(scheduling?.nodeSelector, "scheduling.nodeSelector", errors);
  validateTolerations(scheduling?.tolerations ?? [], "scheduling.tolerations", errors);
}

export function validateRuntimeClassUpdate(next: RuntimeClass, old: RuntimeClass, errors: FieldErrors): void {
  validateImmutable(next.handler, old.handler, "handler", errors);
}
