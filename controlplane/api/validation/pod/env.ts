import type { EnvFromSource, EnvVar, EnvVarSource } from "../../types/core/container.ts";
import type { FieldErrors } from "../field-errors.ts";
import { isConfigMapKey, isDNS1123Subdomain, isEnvVarName, isQualifiedName } from "../formats.ts";

const fieldPaths = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];

const resourceNames = [
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
];

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
  if (fieldRef !== undefined) validateFieldPath(fieldRef.fieldPath, `${field}.fieldRef.fieldPath`, errors);
  if (resourceFieldRef !== undefined) {
    const at = `${field}.resourceFieldRef.resource`;
    if (!resourceFieldRef.resource) errors.required(at);
    else if (!resourceNames.includes(resourceFieldRef.resource) && !resourceFieldRef.resource.includes(".hugepages-")) {
      errors.notSupported(at, resourceFieldRef.resource, resourceNames);
    }
  }
  for (const kind of ["configMapKeyRef", "secretKeyRef"] as const) {
    const reference = source[kind];
    if (reference === undefined) continue;
    if (!reference.name) errors.required(`${field}.${kind}.name`);
    if (!reference.key) errors.required(`${field}.${kind}.key`);
    else errors.invalidEach(`${field}.${kind}.key`, reference.key, isConfigMapKey(reference.key));
  }
}

function validateFieldPath(path: string, field: string, errors: FieldErrors): void {
  if (!path) {
    errors.required(field);
    return;
  }
  const subscript = /^(metadata\.(?:labels|annotations))\['(.*)'\]$/.exec(path);
  if (subscript !== null) {
    const key = subscript[2] as string;
    errors.invalidEach(field, key, isQualifiedName(key.toLowerCase()));
  } else if (/\['.*'\]$/.test(path)) errors.invalid(field, path, "does not support subscript");
  else if (!fieldPaths.includes(path)) errors.notSupported(field, path, fieldPaths);
}

export function validateEnvFrom(sources: readonly EnvFromSource[], field: string, errors: FieldErrors): void {
  for (const [index, { prefix, configMapRef, secretRef }] of sources.entries()) {
    const at = `${field}[${index}]`;
    if (prefix) errors.invalidEach(`${at}.prefix`, prefix, isEnvVarName(prefix));
    if (configMapRef === undefined && secretRef === undefined) {
      errors.invalid(at, "", "must specify one of: `configMapRef` or `secretRef`");
    } else if (configMapRef !== undefined && secretRef !== undefined) {
      errors.invalid(at, "", "may not have more than one field specified at a time");
    }
    for (const [kind, reference] of Object.entries({ configMapRef, secretRef })) {
      if (reference === undefined) continue;
      if (!reference.name) errors.required(`${at}.${kind}.name`);
      else errors.invalidEach(`${at}.${kind}.name`, reference.name, isDNS1123Subdomain(reference.name));
    }
  }
}
