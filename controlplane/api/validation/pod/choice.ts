import type { FieldErrors } from "../field-errors.ts";

/** A value that must be there, out of a closed set told in the original's order, which is not always the alphabet's. */
export function validateChoice(
  value: string | undefined,
  supported: readonly string[],
  field: string,
  errors: FieldErrors,
): void {
  if (!value) errors.required(field);
  else validateOptionalChoice(value, supported, field, errors);
}

export function validateOptionalChoice(
  value: string | undefined,
  supported: readonly string[],
  field: string,
  errors: FieldErrors,
): void {
  if (value !== undefined && !supported.includes(value)) errors.notSupported(field, value, supported);
}
