import type { Service, ServicePort, ServiceSpec } from "../types/core/service.ts";
import { validateOneOf, validatePortNumberOrName } from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { inRange, isCIDR, isDNS1123Label, isDNS1123Subdomain, isIP, isPortNumber } from "./formats.ts";
import { validateLabels } from "./metadata.ts";

const types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const maxAffinitySeconds = 86_400;

export function validateService({ spec }: Service, errors: FieldErrors): void {
  const { type, clusterIP, ports = [] } = spec;
  const isHeadless = clusterIP === "None";
  if (ports.length === 0 && !isHeadless && type !== "ExternalName") errors.required("spec.ports");
  validateType(spec, isHeadless, errors);
  validatePorts(spec, ports, errors);
  validateLabels(spec.selector, "spec.selector", errors);
  validateAffinity(spec, errors);
  validateClusterIPs(spec, errors);
  for (const [index, ip] of (spec.externalIPs ?? []).entries()) {
    errors.invalidEach(`spec.externalIPs[${index}]`, ip, isIP(ip));
  }
  validateTrafficPolicies(spec, errors);
  for (const [index, range] of (spec.loadBalancerSourceRanges ?? []).entries()) {
    errors.invalidEach(`spec.loadBalancerSourceRanges[${index}]`, range, isCIDR(range));
  }
}

function validateType(spec: ServiceSpec, isHeadless: boolean, errors: FieldErrors): void {
  const { type, externalName, clusterIP } = spec;
  if (isHeadless && (type === "LoadBalancer" || type === "NodePort")) {
    errors.invalid("spec.clusterIPs[0]", clusterIP, `may not be set to 'None' for ${type} services`);
  }
  if (type === "ExternalName") {
    if (clusterIP) errors.forbidden("spec.clusterIPs[0]", "may not be set when `type` is 'ExternalName'");
    if (!externalName) errors.required("spec.externalName");
    else errors.invalidEach("spec.externalName", externalName, isDNS1123Subdomain(externalName.replace(/\.$/, "")));
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
    const { protocol, port: number, nodePort } = port;
    const key = `${protocol}/${number}`;
    if (taken.has(key)) errors.duplicate(at, { protocol, port: number });
    taken.add(key);

    if (!nodePort) continue;
    if (spec.type === "ClusterIP" || spec.type === "ExternalName") {
      errors.forbidden(`${at}.nodePort`, `may not be used when \`type\` is '${spec.type}'`);
    }
    const nodeKey = `${protocol}/${nodePort}`;
    if (nodePorts.has(nodeKey)) errors.duplicate(`${at}.nodePort`, nodePort);
    nodePorts.add(nodeKey);
  }
}

function validateAffinity({ sessionAffinity, sessionAffinityConfig }: ServiceSpec, errors: FieldErrors): void {
  validateOneOf(sessionAffinity, ["ClientIP", "None"], "spec.sessionAffinity", errors);
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (sessionAffinity === "ClientIP" && (seconds === undefined || seconds <= 0 || seconds > maxAffinitySeconds)) {
    const rule = `must be greater than 0 and less than ${maxAffinitySeconds}`;
    errors.invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds ?? 0, rule);
  }
}

function validateClusterIPs({ clusterIP = "", clusterIPs = [] }: ServiceSpec, errors: FieldErrors): void {
  if (clusterIP !== "" && clusterIPs.length > 0 && clusterIPs[0] !== clusterIP) {
    errors.invalid("spec.clusterIPs", clusterIPs, "first value must match `clusterIP`");
  }
  const given = clusterIPs.length > 0 ? clusterIPs : clusterIP === "" ? [] : [clusterIP];
  for (const [index, ip] of given.entries()) {
    if (ip !== "" && ip !== "None" && isIP(ip).length > 0) {
      errors.invalid(`spec.clusterIPs[${index}]`, ip, "must be empty, 'None', or a valid IP address");
    }
  }
  if (given.length > 2) errors.invalid("spec.clusterIPs", given, "may only hold up to 2 values");
}

function validateTrafficPolicies(spec: ServiceSpec, errors: FieldErrors): void {
  const { externalTrafficPolicy, internalTrafficPolicy, type, externalIPs } = spec;
  const isReachable = type === "NodePort" || type === "LoadBalancer" || (externalIPs ?? []).length > 0;
  if (externalTrafficPolicy !== undefined) {
    const field = "spec.externalTrafficPolicy";
    if (!isReachable)
      errors.invalid(field, externalTrafficPolicy, "may only be set for externally-accessible services");
    else validateOneOf(externalTrafficPolicy, ["Cluster", "Local"], field, errors);
  }
  if (internalTrafficPolicy !== undefined) {
    validateOneOf(internalTrafficPolicy, ["Cluster", "Local"], "spec.internalTrafficPolicy", errors);
  }
  const { healthCheckNodePort = 0 } = spec;
  if (healthCheckNodePort < 0 || healthCheckNodePort > 65535) {
    errors.invalid("spec.healthCheckNodePort", healthCheckNodePort, inRange(1, 65535));
  }
}

/** The address a Service once got is promised to its clients. Only turning it into or from an ExternalName releases it. */
export function validateServiceUpdate(next: Service, old: Service, errors: FieldErrors): void {
  if (next.spec.type === "ExternalName" || old.spec.type === "ExternalName") return;
  for (const [index, ip] of addresses(old).entries()) {
    const now = addresses(next);
    const rule = "may not change once set";
    if (index === 0 && now[0] !== ip) errors.invalid("spec.clusterIPs[0]", now, rule);
    else if (index > 0 && now[index] !== undefined && now[index] !== ip)
      errors.invalid(`spec.clusterIPs[${index}]`, now, rule);
  }
}

function addresses({ spec }: Service): readonly string[] {
  return spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
}
