import { Quantity } from "../../quantity/quantity.ts";
import type { ResourceRequirements } from "../../types/core/resource.ts";
import { validateQuantityNotNegative } from "../common.ts";
import type { FieldErrors } from "../field-errors.ts";
import { isQualifiedName } from "../formats.ts";

const standard = ["cpu", "memory", "ephemeral-storage"];

export function validateResources(
  resources: ResourceRequirements | undefined,
  field: string,
  errors: FieldErrors,
): void {
  const { limits = {}, requests = {} } = resources ?? {};
  for (const [name, amount] of Object.entries(limits)) validateAmount(name, amount, `${field}.limits`, errors);
  for (const [name, amount] of Object.entries(requests)) {
    validateAmount(name, amount, `${field}.requests`, errors);
    const limit = limits[name];
    if (limit === undefined) {
      if (!canOvercommit(name))
        errors.required(`${field}.limits`, "Limit must be set for non overcommitable resources");
      continue;
    }
    const order = Quantity.of(amount).compare(Quantity.of(limit));
    if (!canOvercommit(name) && order !== 0) {
      errors.invalid(`${field}.requests`, amount, `must be equal to ${name} limit of ${limit}`);
    } else if (order > 0) {
      errors.invalid(`${field}.requests`, amount, `must be less than or equal to ${name} limit of ${limit}`);
    }
  }
}

function validateAmount(name: string, amount: string, field: string, errors: FieldErrors): void {
  const at = `${field}[${name}]`;
  errors.invalidEach(at, name, isQualifiedName(name));
  if (!name.includes("/") && !standard.includes(name) && !name.startsWith("hugepages-")) {
    errors.invalid(at, name, "must be a standard resource for containers");
  }
  validateQuantityNotNegative(amount, at, errors);
  const quantity = Quantity.of(amount);
  if (name.includes("/") && quantity.nanos % 1_000_000_000n !== 0n) errors.invalid(at, amount, "must be an integer");
}

/** Devices and huge pages are handed out whole: what is asked for is what is allowed. */
function canOvercommit(name: string): boolean {
  return (
    !name.startsWith("hugepages-") && (!name.includes("/") || name.split("/")[0]?.endsWith("kubernetes.io") === true)
  );
}
