import type { IPAddress, ServiceCIDR } from "../types/networking/service-cidr.ts";
import { formatAddress, formatBlock, parseAddress, parseBlock } from "./cidr.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isCIDR, isIP } from "./formats.ts";
import { validateImmutable } from "./metadata.ts";

/** An address is the name of its object, so it has one spelling. */
export function isCanonicalAddress(name: string): string[] {
  const address = parseAddress(name);
  if (address === undefined) return isIP(name);
  const canonical = formatAddress(address);
  return canonical === name ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`];
}

export function validateIPAddress({ spec: { parentRef } }: IPAddress, errors: FieldErrors): void {
  if (parentRef === undefined) {
    errors.required("spec.parentRef");
    return;
  }
  if (parentRef.resource === "") errors.required("spec.parentRef.resource");
  if (parentRef.name === "") errors.required("spec.parentRef.name");
}

export function validateIPAddressUpdate(next: IPAddress, old: IPAddress, errors: FieldErrors): void {
  validateImmutable(next.spec.parentRef, old.spec.parentRef, "spec.parentRef", errors);
}

export function validateServiceCIDR({ spec }: ServiceCIDR, errors: FieldErrors): void {
  const { cidrs = [] } = spec;
  const field = "spec.cidrs";
  if (cidrs.length === 0) errors.required(field, "at least one CIDR required");
  if (cidrs.length > 2) errors.invalid(field, spec, "may only hold up to 2 values");
  const blocks = cidrs.map(parseBlock);
  if (cidrs.length === 2 && blocks[0] !== undefined && blocks[0].bits === blocks[1]?.bits) {
    const rule = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96";
    errors.invalid(field, spec, rule);
  }
  for (const [index, cidr] of cidrs.entries()) {
    const block = blocks[index];
    if (block === undefined) errors.invalidEach(`${field}[${index}]`, cidr, isCIDR(cidr));
    else if (formatBlock(block) !== cidr) {
      const rule = `must be in canonical form (${JSON.stringify(formatBlock(block))})`;
      errors.invalid(`${field}[${index}]`, cidr, rule);
    }
  }
}

/** A range of a second family may be added; what there is stays. */
export function validateServiceCIDRUpdate(next: ServiceCIDR, old: ServiceCIDR, errors: FieldErrors): void {
  for (const [index, cidr] of (old.spec.cidrs ?? []).entries()) {
    validateImmutable(next.spec.cidrs?.[index], cidr, `spec.cidrs[${index}]`, errors);
  }
}
