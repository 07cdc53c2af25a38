import type { EnvFromSource, EnvVar, EnvVarSource } from "../../types/core/container.ts";
import type { FieldErrors } from "../field-errors.ts";
import { isConfigMapKey, isDNS1123Subdomain, isEnvVarName } from "../formats.ts";
import { environmentFields, validateFieldRef, validateResourceFieldRef } from "./field-refs.ts";

export function validateEnv(env: readonly EnvVar[], field: string, errors: FieldErrors): void {
  for (const [index, variable] of env.entries()) {
    const at = `${field}[${index}]`;
    if (!variable.name) errors.required(`${at}.name`);
    else errors.invalidEach(`${at}.name`, variable.name, isEnvVarName(variable.name));
    if (variable.valueFrom !== undefined) {
      validateValueFrom(variable.valueFrom, variable.value ?? "", `${at}.valueFrom`, errors);
    }
  }
}

function validateValueFrom(source: EnvVarSource, value: string, field: string, errors: FieldErrors): void {
  const given = Object.keys(source).length;
  if (given === 0) {
    errors.invalid(
      field,
      "",
      "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
    );
  } else if (value !== "") errors.invalid(field, "", "may not be specified when `value` is not empty");
  else if (given > 1) errors.invalid(field, "", "may not have more than one field specified at a time");

  const { fieldRef, resourceFieldRef } = source;
  if (fieldRef !== undefined) validateFieldRef(fieldRef, environmentFields, `${field}.fieldRef`, errors);
  if (resourceFieldRef !== undefined) {
    validateResourceFieldRef(resourceFieldRef, { inVolume: false }, `${field}.resourceFieldRef`, errors);
  }
  for (const kind of ["configMapKeyRef", "secretKeyRef"] as const) {
    const reference = source[kind];
    if (reference === undefined) continue;
    errors.invalidEach(`${field}.${kind}.name`, reference.name ?? "", isDNS1123Subdomain(reference.name ?? ""));
    if (!reference.key) errors.required(`${field}.${kind}.key`);
    else errors.invalidEach(`${field}.${kind}.key`, reference.key, isConfigMapKey(reference.key));
  }
}

export function validateEnvFrom(sources: readonly EnvFromSource[], field: string, errors: FieldErrors): void {
  for (const [index, { prefix, configMapRef, secretRef }] of sources.entries()) {
    const at = `${field}[${index}]`;
    if (prefix) errors.invalidEach(`${at}.prefix`, prefix, isEnvVarName(prefix));
    if (configMapRef === undefined && secretRef === undefined) {
      errors.invalid(field, "", "must specify one of: `configMapRef` or `secretRef`");
    } else if (configMapRef !== undefined && secretRef !== undefined) {
      errors.invalid(field, "", "may not have more than one field specified at a time");
    }
    for (const [kind, reference] of Object.entries({ configMapRef, secretRef })) {
      if (reference === undefined) continue;
      if (!reference.name) errors.required(`${at}.${kind}.name`);
      else errors.invalidEach(`${at}.${kind}.name`, reference.name, isDNS1123Subdomain(reference.name));
    }
  }
}
