import { Quantity } from "../../quantity/quantity.ts";
import type { PodResourceClaim } from "../../types/core/pod-spec.ts";
import type { ContainerResizePolicy, ResourceRequirements } from "../../types/core/resource.ts";
import { validateQuantityNotNegative } from "../common.ts";
import type { FieldErrors } from "../field-errors.ts";
import { isQualifiedName } from "../formats.ts";
import { validateChoice } from "./choice.ts";

const standard = ["cpu", "memory", "ephemeral-storage"];

export function validateResources(
  resources: ResourceRequirements | undefined,
  podClaims: readonly PodResourceClaim[],
  field: string,
  errors: FieldErrors,
): void {
  const { limits = {}, requests = {}, claims = [] } = resources ?? {};
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
  const asked = Object.keys({ ...limits, ...requests });
  if (asked.some((name) => name.startsWith("hugepages-")) && !asked.includes("cpu") && !asked.includes("memory")) {
    errors.forbidden(field, "HugePages require cpu or memory");
  }
  for (const [index, { name }] of claims.entries()) {
    const at = `${field}.claims[${index}].name`;
    if (!name) errors.required(at);
    else if (claims.slice(0, index).some((other) => other.name === name)) errors.duplicate(at, name);
    else if (!podClaims.some((claim) => claim.name === name)) errors.notFound(at, name);
  }
}

/** What a container's resources may be changed to while it runs. */
export function validateResizePolicy(
  policies: readonly ContainerResizePolicy[],
  podRestartPolicy: string | undefined,
  field: string,
  errors: FieldErrors,
): void {
  for (const [index, { resourceName, restartPolicy }] of policies.entries()) {
    if (policies.slice(0, index).some((other) => other.resourceName === resourceName)) {
      errors.duplicate(`${field}[${index}]`, resourceName);
    }
    validateChoice(resourceName, ["cpu", "memory"], field, errors);
    validateChoice(restartPolicy, ["NotRequired", "RestartContainer"], field, errors);
    if (podRestartPolicy === "Never" && restartPolicy !== "NotRequired") {
      errors.invalid(field, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'");
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
