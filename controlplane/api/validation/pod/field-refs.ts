import { Quantity } from "../../quantity/quantity.ts";
import type { ObjectFieldSelector, ResourceFieldSelector } from "../../types/core/reference.ts";
import type { FieldErrors } from "../field-errors.ts";
import { isQualifiedName } from "../formats.ts";

/** Fields of a pod that exist under these names; which of them may be asked for depends on where. */
const known: ReadonlySet<string> = new Set([
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.host",
  "spec.nodeName",
  "spec.restartPolicy",
  "spec.schedulerName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.phase",
  "status.podIP",
  "status.podIPs",
]);

/** What an environment variable can be told about its pod. */
export const environmentFields = [
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

/** What a file can. */
export const fileFields = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];

const resources = [
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
];

export function validateFieldRef(
  { apiVersion, fieldPath }: ObjectFieldSelector,
  supported: readonly string[],
  field: string,
  errors: FieldErrors,
): void {
  if (!apiVersion) {
    errors.required(`${field}.apiVersion`);
    return;
  }
  if (!fieldPath) {
    errors.required(`${field}.fieldPath`);
    return;
  }
  const [, path = fieldPath, key] = /^(.*)\['(.*)'\]$/.exec(fieldPath) ?? [];
  if (apiVersion !== "v1") {
    const why = `unsupported pod version: ${apiVersion}`;
    errors.invalid(`${field}.fieldPath`, fieldPath, `error converting fieldPath: ${why}`);
    return;
  }
  if (!known.has(path)) {
    const why = `field label not supported: ${path}`;
    errors.invalid(`${field}.fieldPath`, fieldPath, `error converting fieldPath: ${why}`);
    return;
  }
  if (key === undefined) {
    if (!supported.includes(path)) errors.notSupported(`${field}.fieldPath`, path, supported);
    return;
  }
  // Unlike those of labels, prefixes of annotations may have capital letters.
  if (path === "metadata.annotations") errors.invalidEach(field, key.toLowerCase(), isQualifiedName(key.toLowerCase()));
  else if (path === "metadata.labels") errors.invalidEach(field, key, isQualifiedName(key));
  else errors.invalid(field, path, "does not support subscript");
}

/** `inVolume`: a file must say whose resources it is about; a variable may mean its own container's. */
export function validateResourceFieldRef(
  { containerName, resource, divisor }: ResourceFieldSelector,
  { inVolume }: { readonly inVolume: boolean },
  field: string,
  errors: FieldErrors,
): void {
  const hugePages = /^(limits|requests)\.hugepages-/.test(resource);
  if (inVolume && !containerName) errors.required(`${field}.containerName`);
  else if (!resource) errors.required(`${field}.resource`);
  else if (!resources.includes(resource) && !hugePages) errors.notSupported(`${field}.resource`, resource, resources);
  if (divisor !== undefined) validateDivisor(resource, divisor, `${field}.divisor`, errors);
}

const bytesDivisors = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

function validateDivisor(resource: string, divisor: string, field: string, errors: FieldErrors): void {
  if (Quantity.of(divisor).compare(Quantity.zero) === 0) return;
  const what = resource.replace(/^(limits|requests)\./, "");
  const [allowed, shown, name] =
    what === "cpu"
      ? [["1m", "1"], "1m and 1", "cpu"]
      : what === "memory"
        ? [bytesDivisors, bytesDivisors.join(", "), "memory"]
        : what === "ephemeral-storage"
          ? [bytesDivisors, bytesDivisors.join(", "), "local ephemeral storage"]
          : [bytesDivisors, bytesDivisors.join(", "), "hugepages"];
  if (!allowed.includes(divisor)) {
    errors.invalid(field, resource, `only divisor's values ${shown} are supported with the ${name} resource`);
  }
}
