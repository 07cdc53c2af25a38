import { Quantity } from "../quantity/quantity.ts";
import { equalJson } from "../schema/equal.ts";
import type { PersistentVolume, PersistentVolumeSpec } from "../types/core/persistent-volume.ts";
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from "../types/core/persistent-volume-claim.ts";
import {
  validateLabelSelector,
  validateOptionalOneOf,
  validateQuantityNotNegative,
  validateQuantityPositive,
} from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isDNS1123Subdomain } from "./formats.ts";
import { validateImmutable } from "./metadata.ts";
import { validateNodeTerm } from "./pod/scheduling.ts";

const accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const volumeModes = ["Block", "Filesystem"];
/** Fields of a volume's spec that are not its source. */
const aboutVolumes: ReadonlySet<string> = new Set([
  "capacity",
  "accessModes",
  "claimRef",
  "persistentVolumeReclaimPolicy",
  "storageClassName",
  "mountOptions",
  "volumeMode",
  "nodeAffinity",
  "volumeAttributesClassName",
]);

export function validatePersistentVolume({ spec }: PersistentVolume, errors: FieldErrors): void {
  if ((spec.accessModes ?? []).length === 0) errors.required("spec.accessModes");
  validateAccessModes(spec, errors);
  validateCapacity(spec, errors);
  const policies = ["Delete", "Recycle", "Retain"];
  validateOptionalOneOf(spec.persistentVolumeReclaimPolicy, policies, "spec.persistentVolumeReclaimPolicy", errors);
  validateNodeAffinity(spec, errors);
  validateSource(spec, errors);
  if (spec.hostPath?.path === "/" && spec.persistentVolumeReclaimPolicy === "Recycle") {
    errors.forbidden("spec.persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'");
  }
  validateClassNames(spec, errors);
}

function validateAccessModes({ accessModes: modes = [] }: PersistentVolumeClaimSpec, errors: FieldErrors): void {
  for (const mode of modes) validateOptionalOneOf(mode, accessModes, "spec.accessModes", errors);
  if (modes.includes("ReadWriteOncePod") && modes.length > 1) {
    errors.forbidden("spec.accessModes", "may not use ReadWriteOncePod with other access modes");
  }
}

function validateCapacity({ capacity = {} }: PersistentVolumeSpec, errors: FieldErrors): void {
  const names = Object.keys(capacity);
  if (names.length === 0) errors.required("spec.capacity");
  if (capacity.storage === undefined || names.length > 1) errors.notSupported("spec.capacity", capacity, ["storage"]);
  for (const [name, amount] of Object.entries(capacity))
    validateQuantityPositive(amount, `spec.capacity[${name}]`, errors);
}

function validateNodeAffinity({ nodeAffinity }: PersistentVolumeSpec, errors: FieldErrors): void {
  const field = "spec.nodeAffinity.required";
  if (nodeAffinity === undefined) return;
  if (nodeAffinity.required === undefined) {
    errors.required(field, "must specify required node constraints");
    return;
  }
  const terms = nodeAffinity.required.nodeSelectorTerms ?? [];
  const at = `${field}.nodeSelectorTerms`;
  if (terms.length === 0) errors.required(at, "must have at least one node selector term");
  for (const [index, term] of terms.entries()) validateNodeTerm(term, `${at}[${index}]`, errors);
}

function sourcesOf(spec: PersistentVolumeSpec): [string, unknown][] {
  return Object.entries(spec).filter(([name, value]) => value !== undefined && !aboutVolumes.has(name));
}

/** Exactly one source; those whose content is not a driver's business are looked into. */
function validateSource(spec: PersistentVolumeSpec, errors: FieldErrors): void {
  const [first, ...others] = sourcesOf(spec);
  if (first === undefined) errors.required("spec", "must specify a volume type");
  for (const [name] of others) errors.forbidden(`spec.${name}`, "may not specify more than 1 volume type");
  const { hostPath, local, nfs, csi } = spec;
  if (hostPath !== undefined) validatePath(hostPath.path, "spec.hostPath.path", errors);
  if (local !== undefined) {
    validatePath(local.path, "spec.local.path", errors);
    // Such a volume is a directory of one node: without the affinity its pods would start anywhere.
    if (spec.nodeAffinity === undefined) errors.required("metadata.annotations", "Local volume requires node affinity");
  }
  if (nfs !== undefined) {
    if (nfs.server === "") errors.required("spec.nfs.server");
    if (nfs.path === "") errors.required("spec.nfs.path");
    else if (!nfs.path.startsWith("/")) errors.invalid("spec.nfs.path", nfs.path, "must be an absolute path");
  }
  if (csi !== undefined) {
    if (csi.driver === "") errors.required("spec.csi.driver");
    if (csi.volumeHandle === "") errors.required("spec.csi.volumeHandle");
  }
}

function validatePath(path: string, field: string, errors: FieldErrors): void {
  if (path === "") errors.required(field);
  else if (path.split("/").includes("..")) errors.invalid(field, path, "must not contain '..'");
}

type Shared = Pick<PersistentVolumeSpec, "storageClassName" | "volumeMode" | "volumeAttributesClassName">;

function validateClassNames(spec: Shared, errors: FieldErrors): void {
  for (const name of ["storageClassName", "volumeAttributesClassName"] as const) {
    const value = spec[name];
    if (value) errors.invalidEach(`spec.${name}`, value, isDNS1123Subdomain(value));
  }
  validateOptionalOneOf(spec.volumeMode, volumeModes, "spec.volumeMode", errors);
}

export function validatePersistentVolumeUpdate(
  next: PersistentVolume,
  old: PersistentVolume,
  errors: FieldErrors,
): void {
  if (!equalJson(Object.fromEntries(sourcesOf(next.spec)), Object.fromEntries(sourcesOf(old.spec)))) {
    errors.forbidden("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation");
  }
  validateImmutable(next.spec.volumeMode, old.spec.volumeMode, "volumeMode", errors);
  if (old.spec.nodeAffinity !== undefined) {
    validateImmutable(next.spec.nodeAffinity, old.spec.nodeAffinity, "nodeAffinity", errors);
  }
}

const classAnnotation = "volume.beta.kubernetes.io/storage-class";

export function persistentVolumeWarnings({ metadata, spec }: PersistentVolume): string[] {
  const recycled =
    "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.";
  return [
    ...classAnnotationWarnings(metadata.annotations),
    ...(spec.persistentVolumeReclaimPolicy === "Recycle" ? [recycled] : []),
  ];
}

function classAnnotationWarnings(annotations: Record<string, string> | undefined): string[] {
  if (annotations?.[classAnnotation] === undefined) return [];
  return [`metadata.annotations[${classAnnotation}]: deprecated since v1.8; use "storageClassName" attribute instead`];
}

export function validatePersistentVolumeClaim({ spec }: PersistentVolumeClaim, errors: FieldErrors): void {
  if ((spec.accessModes ?? []).length === 0) errors.required("spec.accessModes", "at least 1 access mode is required");
  validateLabelSelector(spec.selector, "spec.selector", errors);
  validateAccessModes(spec, errors);
  const asked = spec.resources?.requests?.storage;
  if (asked === undefined) errors.required("spec.resources[storage]");
  else validateQuantityPositive(asked, "spec.resources[storage]", errors);
  validateClassNames(spec, errors);
  for (const name of ["dataSource", "dataSourceRef"] as const) {
    const source = spec[name];
    if (source === undefined) continue;
    if (source.name === "") errors.required(`spec.${name}.name`);
    if (source.kind === "") errors.required(`spec.${name}.kind`);
    else if (!source.apiGroup && source.kind !== "PersistentVolumeClaim")
      errors.invalid(`spec.${name}`, source.kind, "");
  }
}

/** A claim is what it was made as; it may be told its volume and its class once, and once bound it may grow. */
export function validatePersistentVolumeClaimUpdate(
  next: PersistentVolumeClaim,
  old: PersistentVolumeClaim,
  errors: FieldErrors,
): void {
  const allowed = { ...next.spec };
  if (!old.spec.volumeName) copy(allowed, old.spec, "volumeName");
  const { storageClassName: before } = old.spec;
  const classWasAnnotated = old.metadata.annotations?.[classAnnotation] !== undefined;
  if (before === undefined && !classWasAnnotated) copy(allowed, old.spec, "storageClassName");
  const isBound = next.status?.phase === "Bound";
  const [size, oldSize] = [next.spec.resources?.requests?.storage, old.spec.resources?.requests?.storage];
  if (isBound && size !== undefined && oldSize !== undefined) {
    allowed.resources = { ...allowed.resources, requests: { ...allowed.resources?.requests, storage: oldSize } };
  }
  if (isBound || old.spec.volumeAttributesClassName === undefined) copy(allowed, old.spec, "volumeAttributesClassName");
  if (!equalJson(allowed, old.spec)) {
    const rule =
      "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    errors.forbidden("spec", rule);
  }
  if (size !== undefined && oldSize !== undefined && Quantity.of(size).compare(Quantity.of(oldSize)) < 0) {
    // An expansion that failed may be taken back, but never below what there is.
    const there = old.status?.capacity?.storage;
    if (there === undefined || Quantity.of(size).compare(Quantity.of(there)) <= 0) {
      errors.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity");
    }
  }
  validateImmutable(next.spec.volumeMode, old.spec.volumeMode, "volumeMode", errors);
}

function copy<T, K extends keyof T>(to: T, from: T, key: K): void {
  if (from[key] === undefined) delete to[key];
  else to[key] = from[key];
}

export function validatePersistentVolumeClaimStatus(
  { status }: PersistentVolumeClaim,
  _: PersistentVolumeClaim,
  errors: FieldErrors,
): void {
  for (const [name, amount] of Object.entries(status?.capacity ?? {})) {
    validateQuantityNotNegative(amount, `status.capacity[${name}]`, errors);
  }
}

export function persistentVolumeClaimWarnings({ metadata, spec }: PersistentVolumeClaim): string[] {
  const asked = spec.resources?.requests?.storage;
  const isFraction = asked !== undefined && Quantity.of(asked).nanos % 1_000_000_000n !== 0n;
  const fraction = `spec.resources.requests[storage]: fractional byte value ${JSON.stringify(asked)} is invalid, must be an integer`;
  return [...classAnnotationWarnings(metadata.annotations), ...(isFraction ? [fraction] : [])];
}
