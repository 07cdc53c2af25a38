import type { KeyToPath, Volume, VolumeProjection } from "../../types/core/volume.ts";
import { validateQuantityNotNegative } from "../common.ts";
import type { FieldErrors } from "../field-errors.ts";
import { isDNS1123Label } from "../formats.ts";

const hostPathTypes = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];

/** Returns the names that containers can mount. */
export function validateVolumes(volumes: readonly Volume[], field: string, errors: FieldErrors): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [index, volume] of volumes.entries()) {
    const at = `${field}[${index}]`;
    validateSource(volume, at, errors);
    if (!volume.name) errors.required(`${at}.name`);
    else errors.invalidEach(`${at}.name`, volume.name, isDNS1123Label(volume.name));
    if (names.has(volume.name)) errors.duplicate(`${at}.name`, volume.name);
    names.add(volume.name);
  }
  return names;
}

function validateSource(volume: Volume, at: string, errors: FieldErrors): void {
  const { name: _, ...sources } = volume;
  const [first, ...others] = Object.keys(sources).filter(
    (source) => sources[source as keyof typeof sources] !== undefined,
  );
  if (first === undefined) errors.required(at, "must specify a volume type");
  for (const other of others) errors.forbidden(`${at}.${other}`, "may not specify more than 1 volume type");

  const { hostPath, emptyDir, secret, configMap, downwardAPI, projected, persistentVolumeClaim } = volume;
  if (hostPath !== undefined) {
    if (!hostPath.path) errors.required(`${at}.hostPath.path`);
    else if (hostPath.path.split("/").includes("..")) {
      errors.invalid(`${at}.hostPath.path`, hostPath.path, "must not contain '..'");
    }
    if (!hostPathTypes.includes(hostPath.type ?? "")) {
      errors.notSupported(`${at}.hostPath.type`, hostPath.type, hostPathTypes);
    }
  }
  if (emptyDir?.sizeLimit !== undefined) {
    validateQuantityNotNegative(emptyDir.sizeLimit, `${at}.emptyDir.sizeLimit`, errors);
  }
  if (secret !== undefined) {
    if (!secret.secretName) errors.required(`${at}.secret.secretName`);
    validateMode(secret.defaultMode, `${at}.secret.defaultMode`, errors);
    validateItems(secret.items, `${at}.secret.items`, errors);
  }
  if (configMap !== undefined) {
    if (!configMap.name) errors.required(`${at}.configMap.name`);
    validateMode(configMap.defaultMode, `${at}.configMap.defaultMode`, errors);
    validateItems(configMap.items, `${at}.configMap.items`, errors);
  }
  if (downwardAPI !== undefined) {
    validateMode(downwardAPI.defaultMode, `${at}.downwardAPI.defaultMode`, errors);
    for (const [index, { path }] of (downwardAPI.items ?? []).entries()) {
      validateLocalPath(path, `${at}.downwardAPI.items[${index}].path`, errors);
    }
  }
  if (projected !== undefined) {
    validateMode(projected.defaultMode, `${at}.projected.defaultMode`, errors);
    validateProjections(projected.sources ?? [], `${at}.projected.sources`, errors);
  }
  if (persistentVolumeClaim !== undefined && !persistentVolumeClaim.claimName) {
    errors.required(`${at}.persistentVolumeClaim.claimName`);
  }
}

function validateProjections(sources: readonly VolumeProjection[], field: string, errors: FieldErrors): void {
  for (const [index, source] of sources.entries()) {
    const at = `${field}[${index}]`;
    const [first, ...others] = Object.keys(source);
    if (first === undefined) errors.required(at, "must specify a volume projection type");
    for (const other of others)
      errors.forbidden(`${at}.${other}`, "may not specify more than 1 volume type per source");
    for (const kind of ["secret", "configMap"] as const) {
      const projection = source[kind];
      if (projection === undefined) continue;
      if (!projection.name) errors.required(`${at}.${kind}.name`);
      validateItems(projection.items, `${at}.${kind}.items`, errors);
    }
    const token = source.serviceAccountToken;
    if (token === undefined) continue;
    const seconds = token.expirationSeconds ?? 3600;
    if (seconds < 600) {
      errors.invalid(
        `${at}.serviceAccountToken.expirationSeconds`,
        seconds,
        "may not specify a duration less than 10 minutes",
      );
    }
    if (seconds > 2 ** 32) {
      errors.invalid(
        `${at}.serviceAccountToken.expirationSeconds`,
        seconds,
        "may not specify a duration larger than 2^32 seconds",
      );
    }
    if (!token.path) errors.required(`${at}.serviceAccountToken.path`);
    else validateLocalPath(token.path, `${at}.serviceAccountToken.path`, errors);
  }
}

function validateItems(items: readonly KeyToPath[] | undefined, field: string, errors: FieldErrors): void {
  for (const [index, { key, path, mode }] of (items ?? []).entries()) {
    if (!key) errors.required(`${field}[${index}].key`);
    if (!path) errors.required(`${field}[${index}].path`);
    else validateLocalPath(path, `${field}[${index}].path`, errors);
    validateMode(mode, `${field}[${index}].mode`, errors);
  }
}

/** A path that stays below where it is mounted. */
export function validateLocalPath(path: string, field: string, errors: FieldErrors): void {
  if (path.startsWith("/")) errors.invalid(field, path, "must be a relative path");
  if (path.split("/").includes("..")) errors.invalid(field, path, "must not contain '..'");
  else if (path.startsWith("..")) errors.invalid(field, path, "must not start with '..'");
}

function validateMode(mode: number | undefined, field: string, errors: FieldErrors): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) {
    errors.invalid(field, mode, "must be a number between 0 and 0777 (octal), both inclusive");
  }
}
