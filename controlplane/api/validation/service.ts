import type { Service, ServicePort, ServiceSpec } from "../types/core/service.ts";
import { validateOneOf, validateOptionalOneOf, validatePortNumberOrName } from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isCIDR, isDNS1123Label, isDNS1123Subdomain, isIP, isIPv4, isPortNumber, isQualifiedName } from "./formats.ts";
import { validateLabels } from "./metadata.ts";

const types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const families = ["IPv4", "IPv6"];
const familyPolicies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
const distributions = ["PreferClose", "PreferSameNode", "PreferSameZone"];
const maxAffinitySeconds = 86_400;

export function validateService({ spec }: Service, errors: FieldErrors): void {
  const { type, ports = [] } = spec;
  if (ports.length === 0 && !isHeadless(spec) && type !== "ExternalName") errors.required("spec.ports");
  validateType(spec, errors);
  validatePorts(spec, ports, errors);
  validateLabels(spec.selector, "spec.selector", errors);
  validateAffinity(spec, errors);
  if (type !== "ExternalName") validateAddresses(spec, errors);
  for (const [index, ip] of (spec.externalIPs ?? []).entries())
    validateExternalIP(ip, `spec.externalIPs[${index}]`, errors);
  validateLoadBalancer(spec, errors);
  validateTraffic(spec, errors);
}

export function isHeadless({ clusterIP }: ServiceSpec): boolean {
  return clusterIP === "None";
}

/** Whether anybody outside the cluster can reach it. */
export function isExternallyAccessible({ type, externalIPs }: ServiceSpec): boolean {
  return type === "NodePort" || type === "LoadBalancer" || (type === "ClusterIP" && (externalIPs ?? []).length > 0);
}

/** With traffic for local endpoints alone, a balancer must be told which nodes have some. */
export function needsHealthCheck({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === "LoadBalancer" && externalTrafficPolicy === "Local";
}

function validateType(spec: ServiceSpec, errors: FieldErrors): void {
  const { type, externalName, clusterIP } = spec;
  if (isHeadless(spec) && (type === "LoadBalancer" || type === "NodePort")) {
    errors.invalid("spec.clusterIPs[0]", clusterIP, `may not be set to 'None' for ${type} services`);
  }
  if (type === "ExternalName") {
    const rule = "may not be set for ExternalName services";
    if (clusterIP || (spec.clusterIPs ?? []).length > 0) errors.forbidden("spec.clusterIPs", rule);
    if ((spec.ipFamilies ?? []).length > 0) errors.forbidden("spec.ipFamilies", rule);
    if (spec.ipFamilyPolicy !== undefined) errors.forbidden("spec.ipFamilyPolicy", rule);
    // A trailing dot says that the name is complete.
    const name = (externalName ?? "").replace(/\.$/, "");
    if (name === "") errors.required("spec.externalName");
    else errors.invalidEach("spec.externalName", name, isDNS1123Subdomain(name));
  }
  validateOneOf(type, types, "spec.type", errors);
}

function validatePorts(spec: ServiceSpec, ports: readonly ServicePort[], errors: FieldErrors): void {
  const names = new Set<string>();
  const taken = new Set<string>();
  const nodePorts = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const at = `spec.ports[${index}]`;
    // A single port needs no name: there is nothing to tell it apart from.
    if (!port.name) {
      if (ports.length > 1) errors.required(`${at}.name`);
    } else {
      errors.invalidEach(`${at}.name`, port.name, isDNS1123Label(port.name));
      if (names.has(port.name)) errors.duplicate(`${at}.name`, port.name);
      names.add(port.name);
    }
    errors.invalidEach(`${at}.port`, port.port, isPortNumber(port.port));
    validateOneOf(port.protocol, ["SCTP", "TCP", "UDP"], `${at}.protocol`, errors);
    validatePortNumberOrName(port.targetPort, `${at}.targetPort`, errors);
    if (port.appProtocol !== undefined) {
      errors.invalidEach(`${at}.appProtocol`, port.appProtocol, isQualifiedName(port.appProtocol));
    }
    const { protocol, port: number, nodePort } = port;
    const key = `${protocol}/${number}`;
    if (taken.has(key)) errors.duplicate(at, { protocol, port: number });
    taken.add(key);

    if (!nodePort) continue;
    if (spec.type === "ClusterIP") {
      errors.forbidden(`${at}.nodePort`, "may not be used when `type` is 'ClusterIP'");
    }
    const nodeKey = `${protocol}/${nodePort}`;
    if (nodePorts.has(nodeKey)) errors.duplicate(`${at}.nodePort`, nodePort);
    nodePorts.add(nodeKey);
  }
}

function validateAffinity({ sessionAffinity, sessionAffinityConfig }: ServiceSpec, errors: FieldErrors): void {
  validateOneOf(sessionAffinity, ["ClientIP", "None"], "spec.sessionAffinity", errors);
  const field = "spec.sessionAffinityConfig";
  if (sessionAffinity === "None" && sessionAffinityConfig !== undefined) {
    errors.forbidden(field, "must not be set when session affinity is None");
  }
  if (sessionAffinity !== "ClientIP") return;
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (seconds === undefined || seconds <= 0 || seconds > maxAffinitySeconds) {
    const rule = `must be greater than 0 and less than ${maxAffinitySeconds}`;
    errors.invalid(`${field}.clientIP.timeoutSeconds`, seconds ?? 0, rule);
  }
}

function validateAddresses(spec: ServiceSpec, errors: FieldErrors): void {
  const { clusterIP = "", clusterIPs = [], ipFamilies = [] } = spec;
  const field = "spec.clusterIPs";
  if (clusterIP === "" && clusterIPs.length > 0) {
    errors.invalid(field, clusterIPs, "must be empty when `clusterIP` is not specified");
  } else if (clusterIPs.length > 0 && clusterIPs[0] !== clusterIP) {
    errors.invalid(field, clusterIPs, "first value must match `clusterIP`");
  }
  for (const [index, family] of ipFamilies.entries()) {
    validateOptionalOneOf(family, families, `spec.ipFamilies[${index}]`, errors);
    if (ipFamilies.indexOf(family) < index) errors.duplicate(`spec.ipFamilies[${index}]`, family);
  }
  validateOptionalOneOf(spec.ipFamilyPolicy, familyPolicies, "spec.ipFamilyPolicy", errors);

  const given = clusterIPs.length > 0 ? clusterIPs : clusterIP === "" ? [] : [clusterIP];
  let wellFormed = true;
  for (const [index, ip] of given.entries()) {
    if (index === 0 && ip === "None") {
      if (given.length > 1) errors.invalid(field, given, "'None' must be the first and only value");
      wellFormed &&= given.length === 1;
      continue;
    }
    const complaints = isIP(ip);
    errors.invalidEach(`${field}[${index}]`, ip, complaints);
    wellFormed &&= complaints.length === 0;
  }
  if (given.length > 2) errors.invalid(field, given, "may only hold up to 2 values");
  if (!wellFormed || isHeadless(spec)) return;
  const found = given.map((ip) => (isIPv4(ip) ? "IPv4" : "IPv6"));
  if (found.length > new Set(found).size) {
    errors.invalid(field, given, "may specify no more than one IP for each IP family");
  }
  for (const [index, family] of ipFamilies.slice(0, found.length).entries()) {
    if (family === found[index]) continue;
    const rule = `expected an ${family} value as indicated by \`ipFamilies[${index}]\``;
    errors.invalid(`${field}[${index}]`, given[index], rule);
  }
}

/** Addresses that mean something else to everybody who reads them would lead traffic astray. */
function validateExternalIP(ip: string, field: string, errors: FieldErrors): void {
  const complaints = isIP(ip);
  errors.invalidEach(field, ip, complaints);
  if (complaints.length > 0) return;
  if (ip === "0.0.0.0" || ip === "::") errors.invalid(field, ip, "may not be unspecified (0.0.0.0 or ::)");
  if (ip.startsWith("127.") || ip === "::1") {
    errors.invalid(field, ip, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
  }
  if (ip.startsWith("169.254.") || /^fe[89ab]/i.test(ip)) {
    errors.invalid(field, ip, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  }
  if (ip.startsWith("224.0.0.") || /^ff02/i.test(ip)) {
    errors.invalid(field, ip, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
  }
}

function validateLoadBalancer(spec: ServiceSpec, errors: FieldErrors): void {
  const rule = "may only be used when `type` is 'LoadBalancer'";
  const isBalanced = spec.type === "LoadBalancer";
  // The capital letter is the original's.
  const ranges = "spec.LoadBalancerSourceRanges";
  const { loadBalancerSourceRanges = [], loadBalancerClass } = spec;
  if (loadBalancerSourceRanges.length > 0 && !isBalanced) errors.forbidden(ranges, rule);
  for (const [index, range] of loadBalancerSourceRanges.entries()) {
    errors.invalidEach(`${ranges}[${index}]`, range.trim(), isCIDR(range.trim()));
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined && !isBalanced) {
    errors.forbidden("spec.allocateLoadBalancerNodePorts", rule);
  }
  if (loadBalancerClass === undefined) return;
  if (!isBalanced) errors.forbidden("spec.loadBalancerClass", rule);
  else errors.invalidEach("spec.loadBalancerClass", loadBalancerClass, isQualifiedName(loadBalancerClass));
}

function validateTraffic(spec: ServiceSpec, errors: FieldErrors): void {
  const { externalTrafficPolicy, internalTrafficPolicy, healthCheckNodePort = 0, trafficDistribution } = spec;
  const field = "spec.externalTrafficPolicy";
  if (isExternallyAccessible(spec)) validateOneOf(externalTrafficPolicy, ["Cluster", "Local"], field, errors);
  else if (externalTrafficPolicy !== undefined) {
    errors.invalid(field, externalTrafficPolicy, "may only be set for externally-accessible services");
  }
  if (healthCheckNodePort !== 0) {
    const at = "spec.healthCheckNodePort";
    if (needsHealthCheck(spec)) errors.invalidEach(at, healthCheckNodePort, isPortNumber(healthCheckNodePort));
    else {
      const rule = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
      errors.invalid(at, healthCheckNodePort, rule);
    }
  }
  if (internalTrafficPolicy !== undefined || spec.type !== "ExternalName") {
    validateOneOf(internalTrafficPolicy, ["Cluster", "Local"], "spec.internalTrafficPolicy", errors);
  }
  validateOptionalOneOf(trafficDistribution, distributions, "spec.trafficDistribution", errors);
}

/** The address a Service once got is promised to its clients. Only turning it into or from an ExternalName releases it. */
export function validateServiceUpdate({ spec: next }: Service, { spec: old }: Service, errors: FieldErrors): void {
  if (next.type !== "ExternalName" && old.type !== "ExternalName" && !(isHeadless(next) && isHeadless(old))) {
    validateAddressesUpdate(addresses(next), addresses(old), errors);
  }
  if (next.type === "LoadBalancer" && old.type === "LoadBalancer" && next.loadBalancerClass !== old.loadBalancerClass) {
    errors.invalid("spec.loadBalancerClass", next.loadBalancerClass ?? null, "may not change once set");
  }
  if (needsHealthCheck(next) && needsHealthCheck(old) && next.healthCheckNodePort !== old.healthCheckNodePort) {
    errors.forbidden("spec.healthCheckNodePort", "field is immutable");
  }
}

function validateAddressesUpdate(next: readonly string[], old: readonly string[], errors: FieldErrors): void {
  if (old.length > 0 && next.length === 0) {
    errors.invalid("spec.clusterIPs[0]", next, "primary clusterIP can not be unset");
    return;
  }
  for (const [index, ip] of old.entries()) {
    if (next[index] === undefined || next[index] === ip) continue;
    errors.invalid(`spec.clusterIPs[${index}]`, next, "may not change once set");
  }
}

function addresses({ clusterIP, clusterIPs }: ServiceSpec): readonly string[] {
  return clusterIPs ?? (clusterIP ? [clusterIP] : []);
}

/** What a load balancer says about itself. */
export function validateServiceStatus({ spec, status }: Service, _old: Service, errors: FieldErrors): void {
  const field = "status.loadBalancer.ingress";
  const ingress = status?.loadBalancer?.ingress ?? [];
  if (ingress.length > 0 && spec.type !== "LoadBalancer") {
    errors.forbidden(field, "may only be used when `spec.type` is 'LoadBalancer'");
    return;
  }
  for (const [index, { ip = "", ipMode, hostname = "" }] of ingress.entries()) {
    const at = `${field}[${index}]`;
    if (ip !== "") errors.invalidEach(`${at}.ip`, ip, isIP(ip));
    if (ipMode !== undefined && ip === "") {
      errors.forbidden(`${at}.ipMode`, "may not be specified when `ip` is not set");
    } else validateOptionalOneOf(ipMode, ["Proxy", "VIP"], `${at}.ipMode`, errors);
    if (hostname === "") continue;
    errors.invalidEach(`${at}.hostname`, hostname, isDNS1123Subdomain(hostname));
    if (isIP(hostname).length === 0) {
      errors.invalid(`${at}.hostname`, hostname, "must be a DNS name, not an IP address");
    }
  }
}

/** Fields that are accepted and mean nothing. */
export function serviceWarnings({ spec }: Service): string[] {
  const warnings: string[] = [];
  if (spec.type !== "ExternalName" && spec.externalName) {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  }
  if (!isHeadless(spec)) return warnings;
  if (spec.loadBalancerIP) warnings.push("spec.loadBalancerIP is ignored for headless services");
  if ((spec.externalIPs ?? []).length > 0) warnings.push("spec.externalIPs is ignored for headless services");
  if (spec.sessionAffinity !== "None") warnings.push("spec.SessionAffinity is ignored for headless services");
  return warnings;
}
