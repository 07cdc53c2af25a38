import { equalJson } from "../schema/equal.ts";
import type { CSIDriver, CSINode, CSIStorageCapacity } from "../types/storage/csi.ts";
import type { VolumeAttachment } from "../types/storage/volume-attachment.ts";
import {
  validateLabelSelector,
  validateNotNegative,
  validateOneOf,
  validateOptionalOneOf,
  validateQuantityNotNegative,
} from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isDNS1123Subdomain, isQualifiedName } from "./formats.ts";
import { validateImmutable } from "./metadata.ts";
import { validateDriverName } from "./storage-class.ts";

const minTokenSeconds = 600;
const maxNodeIdBytes = 256;

export function validateCSIDriver({ metadata, spec }: CSIDriver, errors: FieldErrors): void {
  validateDriverName(metadata.name, "metadata.name", errors);
  validateOneOf(spec.fsGroupPolicy, ["File", "None", "ReadWriteOnceWithFSType"], "spec.fsGroupPolicy", errors);
  for (const mode of spec.volumeLifecycleModes ?? []) {
    validateOptionalOneOf(mode, ["Ephemeral", "Persistent"], "spec.volumeLifecycleModes", errors);
  }
  const audiences = new Set<string>();
  for (const [index, { audience, expirationSeconds }] of (spec.tokenRequests ?? []).entries()) {
    const at = `spec.tokenRequests[${index}]`;
    if (audiences.has(audience)) errors.duplicate(`${at}.audience`, audience);
    audiences.add(audience);
    if (expirationSeconds !== undefined && expirationSeconds < minTokenSeconds) {
      const rule = "may not specify a duration less than 10 minutes";
      errors.invalid(`${at}.expirationSeconds`, expirationSeconds, rule);
    }
  }
}

export function validateCSIDriverUpdate(next: CSIDriver, old: CSIDriver, errors: FieldErrors): void {
  validateImmutable(next.spec.attachRequired, old.spec.attachRequired, "spec.attachedRequired", errors);
  const [now, before] = [next.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes];
  validateImmutable(now, before, "spec.volumeLifecycleModes", errors);
}

export function validateCSINode({ spec }: CSINode, errors: FieldErrors): void {
  const names = new Set<string>();
  for (const [index, { name, nodeID, topologyKeys = [], allocatable }] of (spec.drivers ?? []).entries()) {
    const at = `spec.drivers[${index}]`;
    validateDriverName(name, `${at}.name`, errors);
    if (names.has(name)) errors.duplicate(`${at}.name`, name);
    names.add(name);
    if (nodeID === "") errors.required(`${at}.nodeID`);
    else if (nodeID.length > maxNodeIdBytes) {
      errors.invalid(`${at}.nodeID`, nodeID, `must be ${maxNodeIdBytes} characters or less`);
    }
    for (const key of topologyKeys) {
      if (key === "") errors.required(`${at}.topologyKeys`);
      else errors.invalidEach(`${at}.topologyKeys`, key, isQualifiedName(key));
      if (topologyKeys.indexOf(key) !== topologyKeys.lastIndexOf(key)) errors.duplicate(`${at}.topologyKeys`, key);
    }
    validateNotNegative(allocatable?.count, `${at}.allocatable.count`, errors);
  }
}

/** A driver is added and removed, never changed: volumes are attached by the id it had. */
export function validateCSINodeUpdate(next: CSINode, old: CSINode, errors: FieldErrors): void {
  for (const before of old.spec.drivers ?? []) {
    const now = (next.spec.drivers ?? []).find(({ name }) => name === before.name);
    const { allocatable: _, ...fixed } = before;
    if (now === undefined) continue;
    const { allocatable: __, ...changed } = now;
    if (!equalJson(changed, fixed)) errors.invalid("CSINodeDriver", now, "field is immutable");
  }
}

export function validateCSIStorageCapacity(capacity: CSIStorageCapacity, errors: FieldErrors): void {
  const { storageClassName } = capacity;
  if (storageClassName === "") errors.required("storageClassName");
  else errors.invalidEach("storageClassName", storageClassName, isDNS1123Subdomain(storageClassName));
  validateLabelSelector(capacity.nodeTopology, "nodeTopology", errors);
  for (const name of ["capacity", "maximumVolumeSize"] as const) {
    const amount = capacity[name];
    if (amount !== undefined) validateQuantityNotNegative(amount, name, errors);
  }
}

export function validateCSIStorageCapacityUpdate(
  next: CSIStorageCapacity,
  old: CSIStorageCapacity,
  errors: FieldErrors,
): void {
  validateImmutable(next.nodeTopology, old.nodeTopology, "nodeTopology", errors);
  validateImmutable(next.storageClassName, old.storageClassName, "storageClassName", errors);
}

export function validateVolumeAttachment({ spec }: VolumeAttachment, errors: FieldErrors): void {
  validateDriverName(spec.attacher, "spec.attacher", errors);
  const { inlineVolumeSpec, persistentVolumeName } = spec.source;
  const rule = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
  if (inlineVolumeSpec === undefined && persistentVolumeName === undefined) errors.required("spec.source", rule);
  else if (inlineVolumeSpec !== undefined && persistentVolumeName !== undefined) errors.forbidden("spec.source", rule);
  else if (persistentVolumeName === "") {
    errors.required("spec.source.persistentVolumeName", "must specify non empty persistentVolumeName");
  }
  if (spec.nodeName === "") errors.required("spec.nodeName");
  else errors.invalidEach("spec.nodeName", spec.nodeName, isDNS1123Subdomain(spec.nodeName));
}

export function validateVolumeAttachmentUpdate(
  next: VolumeAttachment,
  old: VolumeAttachment,
  errors: FieldErrors,
): void {
  validateImmutable(next.spec, old.spec, "spec", errors);
}
