import type { Container, VolumeMount } from "../../types/core/container.ts";
import type { FieldErrors } from "../field-errors.ts";
import { validateOptionalChoice } from "./choice.ts";
import { validateDescendingPath } from "./paths.ts";
import type { Volumes } from "./volumes.ts";

/** Where a container sees volumes: as directories and files, or as devices, but none as both. */
export function validateMounts(container: Container, volumes: Volumes, at: string, errors: FieldErrors): void {
  const { volumeMounts = [], volumeDevices = [] } = container;
  const field = `${at}.volumeMounts`;
  for (const [index, mount] of volumeMounts.entries()) {
    const { name, mountPath, subPath, subPathExpr } = mount;
    const here = `${field}[${index}]`;
    if (!name) errors.required(`${here}.name`);
    if (!volumes.has(name)) errors.notFound(`${here}.name`, name);
    if (!mountPath) errors.required(`${here}.mountPath`);
    if (volumeMounts.slice(0, index).some((other) => other.mountPath === mountPath)) {
      errors.invalid(`${here}.mountPath`, mountPath, "must be unique");
    }
    if (volumeDevices.some((device) => device.name === name)) {
      errors.invalid(`${here}.name`, name, "must not already exist in volumeDevices");
    }
    if (volumeDevices.some((device) => device.devicePath === mountPath)) {
      errors.invalid(`${here}.mountPath`, mountPath, "must not already exist as a path in volumeDevices");
    }
    if (volumes.get(name)?.image !== undefined) {
      for (const key of ["subPath", "subPathExpr"] as const) {
        if (mount[key]) errors.invalid(`${here}.${key}`, mount[key], "not allowed in image volume sources");
      }
    }
    // As in the original, the paths of what follows do not say which mount it is.
    if (subPath) validateDescendingPath(subPath, `${field}.subPath`, errors);
    if (subPathExpr) {
      if (subPath) errors.invalid(`${here}.subPathExpr`, subPathExpr, "subPathExpr and subPath are mutually exclusive");
      validateDescendingPath(subPathExpr, `${field}.subPathExpr`, errors);
    }
    validatePropagation(mount, container, `${field}.mountPropagation`, errors);
    validateRecursiveReadOnly(mount, `${field}.recursiveReadOnly`, errors);
  }
  validateDevices(container, volumes, `${at}.volumeDevices`, errors);
}

function validatePropagation(
  { mountPropagation }: VolumeMount,
  { securityContext }: Container,
  field: string,
  errors: FieldErrors,
): void {
  validateOptionalChoice(mountPropagation, ["Bidirectional", "HostToContainer", "None"], field, errors);
  if (mountPropagation === "Bidirectional" && !securityContext?.privileged) {
    errors.forbidden(field, "Bidirectional mount propagation is available only to privileged containers");
  }
}

function validateRecursiveReadOnly(mount: VolumeMount, field: string, errors: FieldErrors): void {
  const { recursiveReadOnly, readOnly, mountPropagation } = mount;
  if (recursiveReadOnly === undefined || recursiveReadOnly === "Disabled") return;
  if (recursiveReadOnly !== "Enabled" && recursiveReadOnly !== "IfPossible") {
    errors.notSupported(field, recursiveReadOnly, ["Disabled", "Enabled", "IfPossible"]);
    return;
  }
  if (!readOnly) errors.forbidden(field, "may only be specified when readOnly is true");
  if (mountPropagation !== undefined && mountPropagation !== "None") {
    errors.forbidden(field, "may only be specified when mountPropagation is None or not specified");
  }
}

function validateDevices(container: Container, volumes: Volumes, field: string, errors: FieldErrors): void {
  const { volumeMounts = [], volumeDevices = [] } = container;
  for (const [index, { name, devicePath }] of volumeDevices.entries()) {
    const at = `${field}[${index}]`;
    const before = volumeDevices.slice(0, index);
    const volume = volumes.get(name);
    if (!name) errors.required(`${at}.name`);
    if (before.some((other) => other.name === name)) errors.invalid(`${at}.name`, name, "must be unique");
    if (volume === undefined) errors.notFound(`${at}.name`, name);
    else if (volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined) {
      const rule = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
      errors.invalid(`${at}.name`, name, rule);
    }
    if (!devicePath) errors.required(`${at}.devicePath`);
    if (before.some((other) => other.devicePath === devicePath)) {
      errors.invalid(`${at}.devicePath`, devicePath, "must be unique");
    }
    if (devicePath.split("/").includes("..")) {
      errors.invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')");
    }
    if (volumeMounts.some((mount) => mount.name === name)) {
      errors.invalid(`${at}.name`, name, "must not already exist in volumeMounts");
    }
    if (volumeMounts.some((mount) => mount.mountPath === devicePath)) {
      errors.invalid(`${at}.devicePath`, devicePath, "must not already exist as a path in volumeMounts");
    }
  }
}
