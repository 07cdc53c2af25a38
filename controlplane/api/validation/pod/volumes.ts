import { Quantity } from "../../quantity/quantity.ts";
import type { CSIVolumeSource, EphemeralVolumeSource, HostPathVolumeSource, Volume } from "../../types/core/volume.ts";
import { FieldErrors } from "../field-errors.ts";
import { isDNS1123Label, isDNS1123Subdomain } from "../formats.ts";
import { validateAnnotations, validateLabels } from "../metadata.ts";
import { validateDriverName } from "../storage-class.ts";
import { validatePersistentVolumeClaim } from "../volumes.ts";
import { validateOptionalChoice } from "./choice.ts";
import { driverVolumes } from "./driver-volumes.ts";
import { validateDescendingPath, validateNoBacksteps } from "./paths.ts";
import { validateFileVolume } from "./volume-files.ts";

/** The volumes of a pod that containers can use, by name. */
export type Volumes = ReadonlyMap<string, Volume>;

/**
 * Returns the volumes that are fine; what mounts another one is told so too. `podName` is undefined for templates, whose pods do
 * not have their names yet.
 */
export function validateVolumes(
  volumes: readonly Volume[],
  podName: string | undefined,
  field: string,
  errors: FieldErrors,
): Volumes {
  const usable = new Map<string, Volume>();
  for (const [index, volume] of volumes.entries()) {
    const at = `${field}[${index}]`;
    const before = errors.list.length;
    validateSource(volume, podName, at, errors);
    if (!volume.name) errors.required(`${at}.name`);
    else errors.invalidEach(`${at}.name`, volume.name, isDNS1123Label(volume.name));
    if (usable.has(volume.name)) errors.duplicate(`${at}.name`, volume.name);
    if (errors.list.length === before) usable.set(volume.name, volume);
  }
  return usable;
}

function validateSource(volume: Volume, podName: string | undefined, at: string, errors: FieldErrors): void {
  const { name, ...sources } = volume;
  const [first, ...others] = Object.entries(sources).filter(([, source]) => source !== undefined);
  if (first === undefined) {
    errors.required(at, "must specify a volume type");
    return;
  }
  for (const [other] of others) errors.forbidden(`${at}.${other}`, "may not specify more than 1 volume type");

  const { hostPath, emptyDir, persistentVolumeClaim, ephemeral, csi, image, gitRepo } = volume;
  if (hostPath !== undefined) validateHostPath(hostPath, `${at}.hostPath`, errors);
  if (emptyDir?.sizeLimit !== undefined && Quantity.of(emptyDir.sizeLimit).compare(Quantity.zero) < 0) {
    errors.forbidden(`${at}.emptyDir.sizeLimit`, "SizeLimit field must be a valid resource quantity");
  }
  if (persistentVolumeClaim !== undefined && !persistentVolumeClaim.claimName) {
    errors.required(`${at}.persistentVolumeClaim.claimName`);
  }
  if (ephemeral !== undefined) {
    validateEphemeral(ephemeral, `${at}.ephemeral`, errors);
    if (podName) {
      // The claim is named after both, and must be a name itself.
      const claim = `${podName}-${name}`;
      for (const why of isDNS1123Subdomain(claim)) errors.invalid(`${at}.name`, name, `PVC name "${claim}": ${why}`);
    }
  }
  if (csi !== undefined) validateCSI(csi, `${at}.csi`, errors);
  if (image !== undefined) {
    // Without a reference something must fill it in before the pod is made: templates may wait for that.
    if (!image.reference && podName !== undefined) errors.required(`${at}.image.reference`);
    if (image.pullPolicy !== undefined) {
      validateOptionalChoice(image.pullPolicy, ["Always", "IfNotPresent", "Never"], `${at}.image.pullPolicy`, errors);
    }
  }
  if (gitRepo?.directory) validateDescendingPath(gitRepo.directory, `${at}.gitRepo.directory`, errors);
  validateFileVolume(volume, at, errors);
  for (const [source, required] of Object.entries(driverVolumes)) {
    const value = sources[source as keyof typeof driverVolumes] as Readonly<Record<string, unknown>> | undefined;
    for (const needed of value === undefined ? [] : required) {
      if (isEmpty(value?.[needed])) errors.required(`${at}.${source}.${needed}`);
    }
  }
}

const isEmpty = (value: unknown) => value === undefined || value === "" || (Array.isArray(value) && value.length === 0);

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

function validateHostPath({ path, type = "" }: HostPathVolumeSource, field: string, errors: FieldErrors): void {
  if (!path) {
    errors.required(`${field}.path`);
    return;
  }
  validateNoBacksteps(path, `${field}.path`, errors);
  validateOptionalChoice(type, hostPathTypes, `${field}.type`, errors);
}

function validateEphemeral({ volumeClaimTemplate }: EphemeralVolumeSource, field: string, errors: FieldErrors): void {
  const at = `${field}.volumeClaimTemplate`;
  if (volumeClaimTemplate === undefined) {
    errors.required(at);
    return;
  }
  const { metadata, spec } = volumeClaimTemplate;
  validateAnnotations(metadata?.annotations, `${at}.metadata.annotations`, errors);
  validateLabels(metadata?.labels, `${at}.metadata.labels`, errors);
  const inClaim = new FieldErrors();
  validatePersistentVolumeClaim({ metadata: { name: "" }, spec }, inClaim);
  for (const error of inClaim.list) errors.list.push({ ...error, field: `${at}.${error.field}` });
}

function validateCSI({ driver, nodePublishSecretRef }: CSIVolumeSource, field: string, errors: FieldErrors): void {
  validateDriverName(driver, `${field}.driver`, errors);
  if (nodePublishSecretRef === undefined) return;
  const { name } = nodePublishSecretRef;
  if (!name) errors.required(`${field}.nodePublishSecretRef.name`);
  else errors.invalidEach(`${field}.name`, name, isDNS1123Subdomain(name));
}
