import type { KubeObject, Part, Resource } from "../resources/resource.ts";
import { cloneJson } from "../schema/clone.ts";
import { equalJson } from "../schema/equal.ts";
import { type FieldError, FieldErrors } from "../validation/field-errors.ts";
import { isDNS1123Subdomain } from "../validation/formats.ts";
import { validateMetadata, validateMetadataUpdate } from "../validation/metadata.ts";

/**
 * What happens to an object between the client and the store, the same for all kinds; a kind's strategy fills in what differs. In
 * order: decode, defaults, admission, prepare, validate, store. Functions named `prepare…` and `applyDefaults` change the object they
 * are given; `validate…` change nothing and return what is wrong.
 */

export function applyDefaults(resource: Resource, object: KubeObject): void {
  resource.strategy.defaults?.(object);
}

/** What only the server knows. */
export interface Identity {
  readonly uid: string;
  /** RFC 3339, whole seconds. */
  readonly now: string;
}

export function prepareForCreate(resource: Resource, object: KubeObject, { uid, now }: Identity): void {
  const { metadata } = object;
  // The caller has drawn a name for generateName by now. Whoever gave neither hears of it from validation.
  metadata.name ??= "";
  metadata.uid = uid;
  metadata.creationTimestamp = now;
  delete metadata.resourceVersion;
  delete metadata.selfLink;
  delete metadata.generation;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  if (!resource.namespaced) delete metadata.namespace;
  if (resource.strategy.tracksGeneration) metadata.generation = 1;
  if (hasStatus(resource)) setStatus(object, {});
  resource.strategy.prepareForCreate?.(object);
}

export function validateCreate(resource: Resource, object: KubeObject): FieldError[] {
  const errors = new FieldErrors();
  validateMetadata(object.metadata, nameRules(resource), errors);
  resource.strategy.validate?.(object, errors);
  resource.strategy.validateCreate?.(object, errors);
  return errors.list;
}

/** An update through the main endpoint: what is wanted changes, what was seen stays. */
export function prepareForUpdate(resource: Resource, next: KubeObject, old: KubeObject): void {
  const { strategy } = resource;
  keepSystemMetadata(next, old);
  if (hasStatus(resource)) setStatus(next, statusOf(old));
  strategy.prepareForUpdate?.(next, old);
  countChange(resource, next, old);
}

function countChange({ strategy }: Resource, next: KubeObject, old: KubeObject): void {
  if (!strategy.tracksGeneration) return;
  const generation = old.metadata.generation ?? 1;
  const same = strategy.wantsSame ?? wantsSameSpec;
  next.metadata.generation = same(next, old) ? generation : generation + 1;
}

export function validateUpdate(resource: Resource, next: KubeObject, old: KubeObject): FieldError[] {
  const errors = new FieldErrors();
  validateMetadataUpdate(next.metadata, old.metadata, errors);
  resource.strategy.validate?.(next, errors);
  resource.strategy.validateUpdate?.(next, old, errors);
  return errors.list;
}

/** An update through `status`: everything else stays. */
export function prepareForStatusUpdate(resource: Resource, next: KubeObject, old: KubeObject): void {
  const status = statusOf(next);
  const { labels, annotations } = next.metadata;
  becomeCopyOf(next, old);
  if (resource.strategy.statusUpdatesMetadata) {
    setOrDelete(next.metadata, "labels", labels);
    setOrDelete(next.metadata, "annotations", annotations);
  }
  setStatus(next, status);
}

/** An update through another subresource that writes a part of the object: everything else stays. */
export function prepareForPartUpdate(
  resource: Resource,
  part: Part<KubeObject>,
  next: KubeObject,
  old: KubeObject,
): void {
  const given = { ...next };
  becomeCopyOf(next, old);
  part.take(next, given);
  countChange(resource, next, old);
}

export function validatePartUpdate(
  resource: Resource,
  part: Part<KubeObject>,
  next: KubeObject,
  old: KubeObject,
): FieldError[] {
  const errors = new FieldErrors();
  validateMetadataUpdate(next.metadata, old.metadata, errors);
  resource.strategy.validate?.(next, errors);
  part.validateUpdate(next, old, errors);
  return errors.list;
}

/** Identity is compared, not copied: what is meant for an earlier object of the same name must fail validation. */
function becomeCopyOf(next: KubeObject, old: KubeObject): void {
  const { uid, resourceVersion, managedFields } = next.metadata;
  for (const key of Object.keys(next)) delete (next as unknown as Record<string, unknown>)[key];
  Object.assign(next, cloneJson(old));
  if (uid !== undefined) next.metadata.uid = uid;
  setOrDelete(next.metadata, "resourceVersion", resourceVersion);
  if (managedFields !== undefined) next.metadata.managedFields = managedFields;
}

export function validateStatusUpdate(resource: Resource, next: KubeObject, old: KubeObject): FieldError[] {
  const errors = new FieldErrors();
  validateMetadataUpdate(next.metadata, old.metadata, errors);
  resource.strategy.validateStatusUpdate?.(next, old, errors);
  return errors.list;
}

function nameRules({ namespaced, strategy }: Resource) {
  return { namespaced, name: (name: string) => (strategy.name ?? isDNS1123Subdomain)(name) };
}

/** Left out means unchanged; given and different is an error of validation, so it is not touched here. */
function keepSystemMetadata(next: KubeObject, old: KubeObject): void {
  const [to, from] = [next.metadata, old.metadata];
  for (const field of [
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "namespace",
  ] as const) {
    if (to[field] === undefined && from[field] !== undefined) Object.assign(to, { [field]: from[field] });
  }
  setOrDelete(to, "generation", from.generation);
  delete to.selfLink;
}

function setOrDelete<T extends object, K extends keyof T>(target: T, key: K, value: T[K] | undefined): void {
  if (value === undefined) delete target[key];
  else target[key] = value;
}

export function hasStatus(resource: Resource): boolean {
  return resource.subresources.some(({ name }) => name === "status");
}

interface WithStatus {
  status?: unknown;
}

function statusOf(object: KubeObject): unknown {
  return (object as WithStatus).status ?? {};
}

function setStatus(object: KubeObject, status: unknown): void {
  (object as WithStatus).status = status;
}

function wantsSameSpec(a: KubeObject, b: KubeObject): boolean {
  return equalJson((a as { spec?: unknown }).spec, (b as { spec?: unknown }).spec);
}
