import { Quantity } from "../../quantity/quantity.ts";
import type { PodSpec } from "../../types/core/pod-spec.ts";
import type { PodTemplateSpec } from "../../types/core/pod-template.ts";
import { validateNotNegative, validateQuantityNotNegative } from "../common.ts";
import type { FieldErrors } from "../field-errors.ts";
import { inRange, isDNS1123Label, isDNS1123Subdomain, isIP, isQualifiedName } from "../formats.ts";
import { validateAnnotations, validateLabels } from "../metadata.ts";
import { validateChoice, validateOptionalChoice } from "./choice.ts";
import { validateContainers } from "./containers.ts";
import { validateDNS } from "./dns.ts";
import { validateEphemeralContainers } from "./ephemeral-containers.ts";
import { validateOS } from "./os.ts";
import { validateAffinity, validateTolerations, validateTopologySpread } from "./scheduling.ts";
import { validatePodSecurityContext } from "./security.ts";
import { validateVolumes } from "./volumes.ts";

const maxInt32 = 2 ** 31 - 1;

export function validatePodTemplateMetadata(
  template: PodTemplateSpec | undefined,
  field: string,
  errors: FieldErrors,
): void {
  validateLabels(template?.metadata?.labels, `${field}.labels`, errors);
  validateAnnotations(template?.metadata?.annotations, `${field}.annotations`, errors);
}

export function validatePodTemplate(template: PodTemplateSpec | undefined, field: string, errors: FieldErrors): void {
  validatePodTemplateMetadata(template, field, errors);
  const spec = template?.spec ?? { containers: [] };
  validatePodSpec(spec, undefined, `${field}.spec`, errors);
  if ((spec.ephemeralContainers ?? []).length > 0) {
    errors.forbidden(`${field}.spec.ephemeralContainers`, "ephemeral containers not allowed in pod template");
  }
}

/** `podName` is undefined for templates, which are let off what only concerns pods. */
export function validatePodSpec(spec: PodSpec, podName: string | undefined, field: string, errors: FieldErrors): void {
  const volumes = validateVolumes(spec.volumes ?? [], podName, `${field}.volumes`, errors);
  const around = { spec, volumes, isPod: podName !== undefined };
  validateContainers(around, field, errors);
  validateEphemeralContainers(around, field, errors);
  validateResources(spec, field, errors);
  validateChoice(spec.restartPolicy, ["Always", "OnFailure", "Never"], `${field}.restartPolicy`, errors);
  validateDNS(spec, field, errors);
  validateLabels(spec.nodeSelector, `${field}.nodeSelector`, errors);
  validateNames(spec, field, errors);
  validateHostNamespaces(spec, field, errors);

  const { activeDeadlineSeconds: deadline, terminationGracePeriodSeconds } = spec;
  if (deadline !== undefined && (deadline < 1 || deadline > maxInt32)) {
    errors.invalid(`${field}.activeDeadlineSeconds`, deadline, inRange(1, maxInt32));
  }
  validateNotNegative(terminationGracePeriodSeconds, `${field}.terminationGracePeriodSeconds`, errors);
  validatePodSecurityContext(spec, `${field}.securityContext`, errors);
  validateAffinity(spec.affinity, `${field}.affinity`, errors);
  validateTolerations(spec.tolerations ?? [], `${field}.tolerations`, errors);
  validateTopologySpread(spec.topologySpreadConstraints ?? [], `${field}.topologySpreadConstraints`, errors);
  validateGates(spec, field, errors);
  for (const [index, { ip, hostnames = [] }] of (spec.hostAliases ?? []).entries()) {
    const at = `${field}.hostAliases[${index}]`;
    errors.invalidEach(`${at}.ip`, ip, isIP(ip));
    for (const [i, name] of hostnames.entries()) {
      errors.invalidEach(`${at}.hostnames[${i}]`, name, isDNS1123Subdomain(name));
    }
  }
  if (spec.preemptionPolicy !== undefined) {
    const policies = ["PreemptLowerPriority", "Never"];
    validateOptionalChoice(spec.preemptionPolicy, policies, `${field}.preemptionPolicy`, errors);
  }
  for (const [name, amount] of Object.entries(spec.overhead ?? {})) {
    validateQuantityNotNegative(amount, `${field}.overhead.limits[${name}]`, errors);
  }
  validateOS(spec, field, errors);
}

/** Whole pods with requests and limits of their own, and devices, are things this server's nodes do not know. */
function validateResources(spec: PodSpec, field: string, errors: FieldErrors): void {
  if ((spec.resourceClaims ?? []).length > 0) {
    const why = "dynamic resource allocation is not supported by this server";
    errors.forbidden(`${field}.resourceClaims`, why);
  }
  const { claims, limits = {}, requests = {} } = spec.resources ?? {};
  if (claims !== undefined) {
    errors.forbidden(`${field}.resources.claims`, "claims cannot be set for Resources at pod-level");
  }
  for (const [name, amount] of Object.entries(requests)) {
    const limit = limits[name];
    if (limit !== undefined && Quantity.of(amount).compare(Quantity.of(limit)) > 0) {
      const rule = `must be less than or equal to ${name} limit of ${limit}`;
      errors.invalid(`${field}.resources.requests`, amount, rule);
    }
  }
  for (const [name, limit] of Object.entries(limits)) {
    for (const [index, container] of (spec.containers ?? []).entries()) {
      const own = container.resources?.limits?.[name];
      if (own === undefined || Quantity.of(own).compare(Quantity.of(limit)) <= 0) continue;
      const at = `${field}.resources.containers[${index}][${name}].limits`;
      errors.invalid(at, own, `must be less than or equal to pod limits of ${limit}`);
    }
  }
}

function validateNames(spec: PodSpec, field: string, errors: FieldErrors): void {
  for (const name of ["serviceAccountName", "nodeName", "priorityClassName", "runtimeClassName"] as const) {
    const value = spec[name];
    if (value) errors.invalidEach(`${field}.${name}`, value, isDNS1123Subdomain(value));
  }
  for (const name of ["hostname", "subdomain"] as const) {
    const value = spec[name];
    if (value) errors.invalidEach(`${field}.${name}`, value, isDNS1123Label(value));
  }
}

/** Users of their own and the host's namespaces do not go together. */
function validateHostNamespaces(spec: PodSpec, field: string, errors: FieldErrors): void {
  if (spec.hostUsers !== false) return;
  const why = "when `pod.Spec.HostUsers` is false";
  if (spec.hostNetwork) errors.forbidden(`${field}.hostNetwork`, why);
  if (spec.hostPID) errors.forbidden(`${field}.HostPID`, why);
  if (spec.hostIPC) errors.forbidden(`${field}.HostIPC`, why);
}

function validateGates(
  { readinessGates = [], schedulingGates = [] }: PodSpec,
  field: string,
  errors: FieldErrors,
): void {
  for (const [index, { conditionType }] of readinessGates.entries()) {
    const at = `${field}.readinessGates[${index}].conditionType`;
    errors.invalidEach(at, conditionType, isQualifiedName(conditionType));
  }
  for (const [index, { name }] of schedulingGates.entries()) {
    const at = `${field}.schedulingGates[${index}]`;
    errors.invalidEach(at, name, isQualifiedName(name));
    if (schedulingGates.slice(0, index).some((other) => other.name === name)) errors.duplicate(at, name);
  }
}
