import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressRule,
  IngressServiceBackend,
  IngressSpec,
} from "../types/networking/ingress.ts";
import type { IngressClass } from "../types/networking/ingress-class.ts";
import type { FieldErrors } from "./field-errors.ts";
import {
  isDNS1035Label,
  isDNS1123Subdomain,
  isIP,
  isPathSegment,
  isPortName,
  isPortNumber,
  isWildcardDNS1123Subdomain,
} from "./formats.ts";
import { validateImmutable } from "./metadata.ts";

const classAnnotation = "kubernetes.io/ingress.class";

export function validateIngress({ spec }: Ingress, errors: FieldErrors): void {
  const { rules = [], defaultBackend, ingressClassName } = spec;
  if (rules.length === 0 && defaultBackend === undefined) {
    errors.invalid("spec", null, "either `defaultBackend` or `rules` must be specified");
  }
  if (defaultBackend !== undefined) validateBackend(defaultBackend, "spec.defaultBackend", errors);
  for (const [index, rule] of rules.entries()) validateRule(rule, `spec.rules[${index}]`, errors);
  validateTLS(spec, errors);
  if (ingressClassName !== undefined) {
    errors.invalidEach("spec.ingressClassName", ingressClassName, isDNS1123Subdomain(ingressClassName));
  }
}

export function validateIngressCreate({ metadata, spec }: Ingress, errors: FieldErrors): void {
  const annotated = metadata.annotations?.[classAnnotation];
  if (annotated === undefined || spec.ingressClassName === undefined || annotated === spec.ingressClassName) return;
  const rule = "must match `ingressClassName` when both are specified";
  errors.invalid(`metadata.annotations.${classAnnotation}`, annotated, rule);
}

export function ingressWarnings({ metadata }: Ingress): string[] {
  if (metadata.annotations?.[classAnnotation] === undefined) return [];
  return [`annotation ${JSON.stringify(classAnnotation)} is deprecated, please use 'spec.ingressClassName' instead`];
}

function validateHost(host: string, field: string, errors: FieldErrors): void {
  errors.invalidEach(field, host, host.includes("*") ? isWildcardDNS1123Subdomain(host) : isDNS1123Subdomain(host));
}

function validateTLS({ tls = [] }: IngressSpec, errors: FieldErrors): void {
  for (const [index, { hosts = [], secretName }] of tls.entries()) {
    const at = `spec.tls[${index}]`;
    for (const [i, host] of hosts.entries()) validateHost(host, `${at}.hosts[${i}]`, errors);
    if (secretName) errors.invalidEach(`${at}.secretName`, secretName, isDNS1123Subdomain(secretName));
  }
}

function validateRule({ host, http }: IngressRule, field: string, errors: FieldErrors): void {
  if (host) {
    if (isIP(host).length === 0) errors.invalid(`${field}.host`, host, "must be a DNS name, not an IP address");
    validateHost(host, `${field}.host`, errors);
  }
  if (http === undefined) return;
  const paths = http.paths ?? [];
  if (paths.length === 0) errors.required(`${field}.http.paths`);
  for (const [index, path] of paths.entries()) validatePath(path, `${field}.http.paths[${index}]`, errors);
}

/** Paths that a server might read in another way than the rule does. */
const ambiguous = ["//", "/./", "/../", "%2f", "%2F"];
const ambiguousEnds = ["/..", "/."];

function validatePath({ path = "", pathType, backend }: HTTPIngressPath, field: string, errors: FieldErrors): void {
  const at = `${field}.path`;
  if (!pathType) {
    errors.required(`${field}.pathType`, "pathType must be specified");
    return;
  }
  if (pathType === "Exact" || pathType === "Prefix") {
    if (!path.startsWith("/")) errors.invalid(at, path, "must be an absolute path");
    for (const part of ambiguous) if (path.includes(part)) errors.invalid(at, path, `must not contain '${part}'`);
    for (const end of ambiguousEnds) if (path.endsWith(end)) errors.invalid(at, path, `cannot end with '${end}'`);
  } else if (pathType === "ImplementationSpecific") {
    if (path !== "" && !path.startsWith("/")) errors.invalid(at, path, "must be an absolute path");
  } else errors.notSupported(`${field}.pathType`, pathType, ["Exact", "ImplementationSpecific", "Prefix"]);
  validateBackend(backend, `${field}.backend`, errors);
}

function validateBackend({ service, resource }: IngressBackend, field: string, errors: FieldErrors): void {
  if (service !== undefined && resource !== undefined) {
    errors.invalid(field, "", "cannot set both resource and service backends");
  } else if (resource !== undefined) {
    for (const name of ["kind", "name"] as const) {
      if (resource[name] === "") errors.required(`${field}.resource.${name}`);
      else errors.invalidEach(`${field}.resource.${name}`, resource[name], isPathSegment(resource[name]));
    }
  } else if (service !== undefined) validateServiceBackend(service, field, errors);
  else errors.invalid(field, "", "resource or service backend is required");
}

function validateServiceBackend({ name, port }: IngressServiceBackend, field: string, errors: FieldErrors): void {
  if (name === "") errors.required(`${field}.service.name`);
  else errors.invalidEach(`${field}.service.name`, name, isDNS1035Label(name));
  const { name: portName, number } = port ?? {};
  if (portName && number) errors.invalid(field, "", "cannot set both port name & port number");
  else if (portName) errors.invalidEach(`${field}.service.port.name`, portName, isPortName(portName));
  else if (number) errors.invalidEach(`${field}.service.port.number`, number, isPortNumber(number));
  else errors.required(field, "port name or number is required");
}

export function validateIngressStatus({ status }: Ingress, _: Ingress, errors: FieldErrors): void {
  for (const [index, { ip, hostname }] of (status?.loadBalancer?.ingress ?? []).entries()) {
    const at = `status.loadBalancer.ingress[${index}]`;
    if (ip) errors.invalidEach(`${at}.ip`, ip, isIP(ip));
    if (hostname) errors.invalidEach(`${at}.hostname`, hostname, isDNS1123Subdomain(hostname));
  }
}

const maxControllerLength = 250;

export function validateIngressClass({ spec }: IngressClass, errors: FieldErrors): void {
  const { controller = "", parameters } = spec;
  if (controller.length > maxControllerLength) errors.tooLong("spec.controller", maxControllerLength);
  validateDomainPrefixedPath(controller, "spec.controller", errors);
  if (parameters === undefined) return;
  const at = "spec.parameters";
  const { apiGroup, kind, name, scope, namespace } = parameters;
  if (apiGroup) errors.invalidEach(`${at}.apiGroup`, apiGroup, isDNS1123Subdomain(apiGroup));
  for (const [key, value] of Object.entries({ kind, name })) {
    if (value === "") errors.required(`${at}.${key}`);
    else errors.invalidEach(`${at}.${key}`, value, isPathSegment(value));
  }
  if (!scope) errors.required(`${at}.scope`);
  else if (scope !== "Cluster" && scope !== "Namespace") {
    errors.notSupported(`${at}.scope`, scope, ["Cluster", "Namespace"]);
  }
  if (scope === "Namespace" && namespace === undefined) {
    errors.required(`${at}.namespace`, "`parameters.scope` is set to 'Namespace'");
  }
  if (scope === "Cluster" && namespace !== undefined) {
    errors.forbidden(`${at}.namespace`, "`parameters.scope` is set to 'Cluster'");
  }
}

export function validateDomainPrefixedPath(value: string, field: string, errors: FieldErrors): void {
  if (value === "") {
    errors.required(field);
    return;
  }
  const slash = value.indexOf("/");
  const [host, path] = [value.slice(0, slash), value.slice(slash + 1)];
  if (slash <= 0 || path === "") {
    errors.invalid(field, value, 'must be a domain-prefixed path (such as "acme.io/foo")');
    return;
  }
  errors.invalidEach(field, host, isDNS1123Subdomain(host));
}

/** Who carries out the Ingresses of a class is what the class is: another controller is another class. */
export function validateIngressClassUpdate(next: IngressClass, old: IngressClass, errors: FieldErrors): void {
  validateImmutable(next.spec.controller, old.spec.controller, "spec.controller", errors);
}
