import type { PodDNSConfig, PodSpec } from "../../types/core/pod-spec.ts";
import type { PodTemplateSpec } from "../../types/core/pod-template.ts";
import { validateNotNegative, validateOneOf } from "../common.ts";
import type { FieldErrors } from "../field-errors.ts";
import { inRange, isDNS1123Label, isDNS1123Subdomain, isIP, isQualifiedName } from "../formats.ts";
import { validateAnnotations, validateLabels } from "../metadata.ts";
import { validateContainers, validateIds } from "./containers.ts";
import { validateAffinity, validateTolerations, validateTopologySpread } from "./scheduling.ts";
import { validateVolumes } from "./volumes.ts";

const maxInt32 = 2 ** 31 - 1;

export function validatePodTemplate(template: PodTemplateSpec | undefined, field: string, errors: FieldErrors): void {
  validateLabels(template?.metadata?.labels, `${field}.labels`, errors);
  validateAnnotations(template?.metadata?.annotations, `${field}.annotations`, errors);
  validatePodSpec(template?.spec ?? { containers: [] }, `${field}.spec`, errors);
}

export function validatePodSpec(spec: PodSpec, field: string, errors: FieldErrors): void {
  const volumes = validateVolumes(spec.volumes ?? [], `${field}.volumes`, errors);
  validateContainers(spec, volumes, field, errors);
  validateOneOf(spec.restartPolicy, ["Always", "Never", "OnFailure"], `${field}.restartPolicy`, errors);
  validateDNS(spec, field, errors);
  validateLabels(spec.nodeSelector, `${field}.nodeSelector`, errors);
  validateNames(spec, field, errors);

  const { activeDeadlineSeconds: deadline, terminationGracePeriodSeconds } = spec;
  if (deadline !== undefined && (deadline < 1 || deadline > maxInt32)) {
    errors.invalid(`${field}.activeDeadlineSeconds`, deadline, inRange(1, maxInt32));
  }
  validateNotNegative(terminationGracePeriodSeconds, `${field}.terminationGracePeriodSeconds`, errors);
  if (spec.securityContext !== undefined) validateIds(spec.securityContext, `${field}.securityContext`, errors);
  validateAffinity(spec.affinity, `${field}.affinity`, errors);
  validateTolerations(spec.tolerations ?? [], `${field}.tolerations`, errors);
  validateTopologySpread(spec.topologySpreadConstraints ?? [], `${field}.topologySpreadConstraints`, errors);
  for (const [index, { conditionType }] of (spec.readinessGates ?? []).entries()) {
    errors.invalidEach(
      `${field}.readinessGates[${index}].conditionType`,
      conditionType,
      isQualifiedName(conditionType),
    );
  }
  for (const [index, { name }] of (spec.schedulingGates ?? []).entries()) {
    errors.invalidEach(`${field}.schedulingGates[${index}]`, name, isQualifiedName(name));
  }
  for (const [index, { ip }] of (spec.hostAliases ?? []).entries()) {
    errors.invalidEach(`${field}.hostAliases[${index}].ip`, ip, isIP(ip));
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

const dnsPolicies = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];

function validateDNS(spec: PodSpec, field: string, errors: FieldErrors): void {
  validateOneOf(spec.dnsPolicy, dnsPolicies, `${field}.dnsPolicy`, errors);
  const nameservers = spec.dnsConfig?.nameservers ?? [];
  if (spec.dnsPolicy === "None") {
    if (spec.dnsConfig === undefined) {
      errors.required(`${field}.dnsConfig`, "must provide `dnsConfig` when `dnsPolicy` is None");
    } else if (nameservers.length === 0) {
      errors.required(
        `${field}.dnsConfig.nameservers`,
        "must provide at least one DNS nameserver when `dnsPolicy` is None",
      );
    }
  }
  if (spec.dnsConfig !== undefined) validateDNSConfig(spec.dnsConfig, `${field}.dnsConfig`, errors);
}

function validateDNSConfig(config: PodDNSConfig, field: string, errors: FieldErrors): void {
  const { nameservers = [], searches = [], options = [] } = config;
  if (nameservers.length > 3) {
    errors.invalid(`${field}.nameservers`, nameservers, "must not have more than 3 nameservers");
  }
  for (const [index, server] of nameservers.entries()) {
    errors.invalidEach(`${field}.nameservers[${index}]`, server, isIP(server));
  }
  if (searches.length > 32) errors.invalid(`${field}.searches`, searches, "must not have more than 32 search paths");
  for (const [index, search] of searches.entries()) {
    if (search !== ".") {
      errors.invalidEach(`${field}.searches[${index}]`, search, isDNS1123Subdomain(search.replace(/\.$/, "")));
    }
  }
  for (const [index, { name }] of options.entries()) {
    if (!name) errors.required(`${field}.options[${index}]`, "must not be empty");
  }
}
