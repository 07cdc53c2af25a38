import { Quantity } from "../quantity/quantity.ts";
import { fromLabelSelector, matchesLabels } from "../selectors/label-selector.ts";
import type { LabelSelector } from "../types/meta/selector.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isLabelValue, isPercent, isPortName, isPortNumber, isQualifiedName } from "./formats.ts";
import { validateLabels } from "./metadata.ts";

const notNegative = "must be greater than or equal to 0";

export function validateNotNegative(value: number | undefined, field: string, errors: FieldErrors): void {
  if (value !== undefined && value < 0) errors.invalid(field, value, notNegative);
}

/** A value out of a closed set. Absent is an error too. */
export function validateOneOf(
  value: string | undefined,
  supported: readonly string[],
  field: string,
  errors: FieldErrors,
): void {
  if (!value) errors.required(field);
  else if (!supported.includes(value)) errors.notSupported(field, value, [...supported].sort());
}

export function validateLabelSelector(selector: LabelSelector | undefined, field: string, errors: FieldErrors): void {
  validateLabels(selector?.matchLabels, `${field}.matchLabels`, errors);
  for (const [index, { key, operator, values = [] }] of (selector?.matchExpressions ?? []).entries()) {
    const at = `${field}.matchExpressions[${index}]`;
    if (operator === "In" || operator === "NotIn") {
      if (values.length === 0) errors.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      const rule = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
      if (values.length > 0) errors.forbidden(`${at}.values`, rule);
    } else errors.invalid(`${at}.operator`, operator, "not a valid selector operator");
    errors.invalidEach(`${at}.key`, key, isQualifiedName(key));
    for (const [i, value] of values.entries()) errors.invalidEach(`${at}.values[${i}]`, value, isLabelValue(value));
  }
}

/** A workload must select the pods it makes, or it would make them for ever. */
export function validateSelectorMatchesTemplate(
  selector: LabelSelector | undefined,
  labels: Record<string, string> | undefined,
  field: string,
  errors: FieldErrors,
): void {
  const result = fromLabelSelector(selector);
  if (!result.ok || result.selector === "nothing" || result.selector.length === 0) return;
  if (!matchesLabels(result.selector, labels)) {
    errors.invalid(field, labels ?? null, "`selector` does not match template `labels`");
  }
}

export function isEmptySelector(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0;
}

/** A port by number or by name. */
export function validatePortNumberOrName(port: number | string | undefined, field: string, errors: FieldErrors): void {
  if (port === undefined) errors.invalid(field, 0, isPortNumber(0).join());
  else errors.invalidEach(field, port, typeof port === "number" ? isPortNumber(port) : isPortName(port));
}

/** A count or a percentage. */
export function validateCountOrPercent(value: number | string | undefined, field: string, errors: FieldErrors): void {
  if (typeof value === "number") validateNotNegative(value, field, errors);
  else if (value !== undefined) errors.invalidEach(field, value, isPercent(value));
}

/** Undefined for a count; a percentage otherwise. */
export function percentOf(value: number | string | undefined): number | undefined {
  return typeof value === "string" && isPercent(value).length === 0 ? Number.parseInt(value, 10) : undefined;
}

/** The number of a count or a percentage; 0 for what is neither. */
export function amountOf(value: number | string | undefined): number {
  return typeof value === "number" ? value : (percentOf(value) ?? 0);
}

export function validateAtMost100Percent(value: number | string | undefined, field: string, errors: FieldErrors): void {
  if ((percentOf(value) ?? 0) > 100) errors.invalid(field, value, "must not be greater than 100%");
}

/** A value out of a closed set, or nothing. */
export function validateOptionalOneOf(
  value: string | undefined,
  supported: readonly string[],
  field: string,
  errors: FieldErrors,
): void {
  if (value !== undefined && !supported.includes(value)) errors.notSupported(field, value, [...supported].sort());
}

export function validateQuantityPositive(value: string, field: string, errors: FieldErrors): void {
  if (Quantity.of(value).compare(Quantity.zero) <= 0) errors.invalid(field, value, "must be greater than zero");
}

export function validateQuantityNotNegative(value: string, field: string, errors: FieldErrors): void {
  if (Quantity.of(value).compare(Quantity.zero) < 0) errors.invalid(field, value, notNegative);
}
