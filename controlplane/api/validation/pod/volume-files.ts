import type {
  ClusterTrustBundleProjection,
  DownwardAPIVolumeFile,
  KeyToPath,
  ProjectedVolumeSource,
  ServiceAccountTokenProjection,
  Volume,
} from "../../types/core/volume.ts";
import { validateLabelSelector } from "../common.ts";
import type { FieldErrors } from "../field-errors.ts";
import { isDNS1123Subdomain, isQualifiedName } from "../formats.ts";
import { fileFields, validateFieldRef, validateResourceFieldRef } from "./field-refs.ts";
import { validateFilePath } from "./paths.ts";

/** Volumes that are files made of API objects. */
export function validateFileVolume(volume: Volume, at: string, errors: FieldErrors): void {
  const { secret, configMap, downwardAPI, projected } = volume;
  if (secret !== undefined) {
    if (!secret.secretName) errors.required(`${at}.secret.secretName`);
    validateMode(secret.defaultMode, `${at}.secret.defaultMode`, errors);
    validateItems(secret.items ?? [], `${at}.secret.items`, errors);
  }
  if (configMap !== undefined) {
    if (!configMap.name) errors.required(`${at}.configMap.name`);
    validateMode(configMap.defaultMode, `${at}.configMap.defaultMode`, errors);
    validateItems(configMap.items ?? [], `${at}.configMap.items`, errors);
  }
  if (downwardAPI !== undefined) {
    validateMode(downwardAPI.defaultMode, `${at}.downwardAPI.defaultMode`, errors);
    for (const file of downwardAPI.items ?? []) validateDownwardFile(file, `${at}.downwardAPI`, errors);
  }
  if (projected !== undefined) validateProjected(projected, `${at}.projected`, errors);
}

/** The original names the list and not the item in these paths; so does this. */
function validateDownwardFile(file: DownwardAPIVolumeFile, field: string, errors: FieldErrors): void {
  if (!file.path) errors.required(`${field}.path`);
  validateFilePath(file.path, `${field}.path`, errors);
  const { fieldRef, resourceFieldRef } = file;
  if (fieldRef !== undefined) {
    validateFieldRef(fieldRef, fileFields, `${field}.fieldRef`, errors);
    if (resourceFieldRef !== undefined) {
      errors.invalid(field, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
    }
  } else if (resourceFieldRef !== undefined) {
    validateResourceFieldRef(resourceFieldRef, { inVolume: true }, `${field}.resourceFieldRef`, errors);
  } else errors.required(field, "one of fieldRef and resourceFieldRef is required");
  validateMode(file.mode, `${field}.mode`, errors);
}

function validateProjected(
  { defaultMode, sources = [] }: ProjectedVolumeSource,
  at: string,
  errors: FieldErrors,
): void {
  validateMode(defaultMode, `${at}.defaultMode`, errors);
  const taken = new Set<string>();
  const take = (path: string, shown: string) => {
    if (path === "") return;
    if (taken.has(path)) errors.invalid(at, shown, "conflicting duplicate paths");
    taken.add(path);
  };
  for (const [index, source] of sources.entries()) {
    const field = `${at}.sources[${index}]`;
    const { downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = source;
    for (const kind of ["secret", "configMap"] as const) {
      const projection = source[kind];
      if (projection === undefined) continue;
      if (!projection.name) errors.required(`${field}.${kind}.name`);
      validateItems(projection.items ?? [], `${field}.${kind}.items`, errors);
      for (const { path } of projection.items ?? []) take(path, projection.name ?? "");
    }
    for (const file of downwardAPI?.items ?? []) {
      validateDownwardFile(file, `${field}.downwardAPI`, errors);
      take(file.path, file.path);
    }
    if (serviceAccountToken !== undefined) validateToken(serviceAccountToken, at, field, errors);
    if (clusterTrustBundle !== undefined) {
      validateTrustBundle(clusterTrustBundle, `${field}.clusterTrustBundle`, errors);
      take(clusterTrustBundle.path, clusterTrustBundle.path);
    }
    if (podCertificate !== undefined) {
      errors.forbidden(`${field}.podCertificate`, "pod certificates are not supported by this server");
    }
    if (Object.keys(source).length > 1) errors.forbidden(field, "may not specify more than 1 volume type per source");
  }
}

const minTokenSeconds = 600;
const maxTokenSeconds = 2 ** 32;

function validateToken(
  { expirationSeconds, path }: ServiceAccountTokenProjection,
  volume: string,
  source: string,
  errors: FieldErrors,
): void {
  const field = `${source}.serviceAccountToken.expirationSeconds`;
  if (expirationSeconds !== undefined && expirationSeconds < minTokenSeconds) {
    errors.invalid(field, expirationSeconds, "may not specify a duration less than 10 minutes");
  }
  if (expirationSeconds !== undefined && expirationSeconds > maxTokenSeconds) {
    errors.invalid(field, expirationSeconds, "may not specify a duration larger than 2^32 seconds");
  }
  if (!path) errors.required(`${volume}.path`);
  else validateFilePath(path, `${volume}.path`, errors);
}

function validateTrustBundle(bundle: ClusterTrustBundleProjection, field: string, errors: FieldErrors): void {
  const { name, signerName, labelSelector, path } = bundle;
  if (name !== undefined && signerName !== undefined) {
    errors.invalid(field, bundle, "only one of name and signerName may be used");
  } else if (name !== undefined) {
    if (name === "") errors.required(`${field}.name`, "must be a valid object name");
    // Bundles of a signer have its name in front, with colons where it has slashes.
    const complaints = isDNS1123Subdomain(name.split(":").at(-1) as string);
    for (const why of complaints) errors.invalid(`${field}.name`, name, `not a valid clustertrustbundlename: ${why}`);
    if (labelSelector !== undefined) {
      errors.invalid(`${field}.labelSelector`, labelSelector, "labelSelector must be unset if name is specified");
    }
  } else if (signerName !== undefined) {
    if (signerName === "") errors.required(`${field}.signerName`, "must be a valid signer name");
    else errors.invalidEach(`${field}.signerName`, signerName, isQualifiedName(signerName));
    validateLabelSelector(labelSelector, `${field}.labelSelector`, errors);
  } else errors.required(field, "either name or signerName must be specified");
  if (!path) errors.required(`${field}.path`);
  validateFilePath(path, `${field}.path`, errors);
}

function validateItems(items: readonly KeyToPath[], field: string, errors: FieldErrors): void {
  for (const [index, { key, path, mode }] of items.entries()) {
    const at = `${field}[${index}]`;
    if (!key) errors.required(`${at}.key`);
    if (!path) errors.required(`${at}.path`);
    validateFilePath(path, `${at}.path`, errors);
    validateMode(mode, `${at}.mode`, errors);
  }
}

function validateMode(mode: number | undefined, field: string, errors: FieldErrors): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) {
    errors.invalid(field, mode, "must be a number between 0 and 0777 (octal), both inclusive");
  }
}
