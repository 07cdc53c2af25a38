import { equalJson } from "../schema/equal.ts";
import type { StorageClass } from "../types/storage/storage-class.ts";
import type { VolumeAttributesClass } from "../types/storage/volume-attributes-class.ts";
import { validateOneOf, validateOptionalOneOf } from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isDNS1123Subdomain, isQualifiedName } from "./formats.ts";
import { validateImmutable } from "./metadata.ts";

const maxParameters = 512;
const maxParametersBytes = 256 * 1024;

export function validateStorageClass(storageClass: StorageClass, errors: FieldErrors): void {
  const { provisioner, parameters, reclaimPolicy, volumeBindingMode } = storageClass;
  if (provisioner === "") errors.required("provisioner");
  else errors.invalidEach("provisioner", provisioner, isQualifiedName(provisioner.toLowerCase()));
  validateParameters(parameters, errors);
  validateOptionalOneOf(reclaimPolicy, ["Delete", "Retain"], "reclaimPolicy", errors);
  validateOneOf(volumeBindingMode, ["Immediate", "WaitForFirstConsumer"], "volumeBindingMode", errors);
  for (const [index, { matchLabelExpressions }] of (storageClass.allowedTopologies ?? []).entries()) {
    for (const [i, { key, values = [] }] of (matchLabelExpressions ?? []).entries()) {
      const at = `allowedTopologies[${index}].matchLabelExpressions[${i}]`;
      if (values.length === 0) errors.required(`${at}.values`);
      for (const [j, value] of values.entries()) {
        if (values.indexOf(value) < j) errors.duplicate(`${at}.values[${j}]`, value);
      }
      errors.invalidEach(`${at}.key`, key, isQualifiedName(key));
    }
  }
}

function validateParameters(parameters: Record<string, string> = {}, errors: FieldErrors): void {
  const entries = Object.entries(parameters);
  let size = 0;
  for (const [key, value] of entries) {
    if (key === "") errors.invalid("parameters", key, "field can not be empty.");
    size += key.length + value.length;
  }
  if (size > maxParametersBytes) errors.tooLong("parameters", maxParametersBytes);
  if (entries.length > maxParameters) errors.tooLong("parameters", maxParameters);
}

export function validateStorageClassUpdate(next: StorageClass, old: StorageClass, errors: FieldErrors): void {
  for (const name of ["parameters", "provisioner", "reclaimPolicy"] as const) {
    const [now, before] = [next[name] ?? {}, old[name] ?? {}];
    if (!equalJson(now, before)) errors.forbidden(name, `updates to ${name} are forbidden.`);
  }
  validateImmutable(next.volumeBindingMode, old.volumeBindingMode, "volumeBindingMode", errors);
}

export function validateVolumeAttributesClass(attributes: VolumeAttributesClass, errors: FieldErrors): void {
  const { driverName, parameters = {} } = attributes;
  validateDriverName(driverName, "driverName", errors);
  if (Object.keys(parameters).length === 0) errors.required("parameters", "must contain at least one key/value pair");
  validateParameters(parameters, errors);
}

export function validateVolumeAttributesClassUpdate(
  next: VolumeAttributesClass,
  old: VolumeAttributesClass,
  errors: FieldErrors,
): void {
  if (next.driverName !== old.driverName) errors.forbidden("driverName", "updates to driverName are forbidden.");
  if (!equalJson(next.parameters ?? {}, old.parameters ?? {})) {
    errors.forbidden("parameters", "updates to parameters are forbidden.");
  }
}

const maxDriverName = 63;

export function validateDriverName(name: string, field: string, errors: FieldErrors): void {
  if (name === "") errors.required(field);
  if (name.length > maxDriverName) errors.tooLong(field, maxDriverName);
  if (name !== "") errors.invalidEach(field, name, isDNS1123Subdomain(name.toLowerCase()));
}
