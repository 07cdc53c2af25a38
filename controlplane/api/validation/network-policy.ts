import type {
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from "../types/networking/network-policy.ts";
import { isStrictSubset, parseBlock } from "./cidr.ts";
import { validateLabelSelector, validateOptionalOneOf } from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isCIDR, isPortName, isPortNumber } from "./formats.ts";

const policyTypes = ["Egress", "Ingress"];

export function validateNetworkPolicy({ spec }: NetworkPolicy, errors: FieldErrors): void {
  validateLabelSelector(spec.podSelector, "spec.podSelector", errors);
  for (const [index, { ports = [], from = [] }] of (spec.ingress ?? []).entries()) {
    const at = `spec.ingress[${index}]`;
    for (const [i, port] of ports.entries()) validatePort(port, `${at}.ports[${i}]`, errors);
    for (const [i, peer] of from.entries()) validatePeer(peer, `${at}.from[${i}]`, errors);
  }
  for (const [index, { ports = [], to = [] }] of (spec.egress ?? []).entries()) {
    const at = `spec.egress[${index}]`;
    for (const [i, port] of ports.entries()) validatePort(port, `${at}.ports[${i}]`, errors);
    for (const [i, peer] of to.entries()) validatePeer(peer, `${at}.to[${i}]`, errors);
  }
  const types = spec.policyTypes ?? [];
  if (types.length > policyTypes.length) {
    errors.invalid("spec.policyTypes", types, "may not specify more than two policyTypes");
    return;
  }
  for (const [index, type] of types.entries()) {
    validateOptionalOneOf(type, policyTypes, `spec.policyTypes[${index}]`, errors);
  }
}

function validatePort({ protocol, port, endPort }: NetworkPolicyPort, field: string, errors: FieldErrors): void {
  validateOptionalOneOf(protocol, ["TCP", "UDP", "SCTP"], `${field}.protocol`, errors);
  if (port === undefined) {
    if (endPort !== undefined) {
      errors.invalid(`${field}.endPort`, endPort, "may not be specified when `port` is not specified");
    }
    return;
  }
  if (typeof port === "string") {
    if (endPort !== undefined) {
      errors.invalid(`${field}.endPort`, endPort, "may not be specified when `port` is non-numeric");
    }
    errors.invalidEach(`${field}.port`, port, isPortName(port));
    return;
  }
  errors.invalidEach(`${field}.port`, port, isPortNumber(port));
  if (endPort === undefined) return;
  if (endPort < port) errors.invalid(`${field}.endPort`, endPort, "must be greater than or equal to `port`");
  errors.invalidEach(`${field}.endPort`, endPort, isPortNumber(endPort));
}

function validatePeer(peer: NetworkPolicyPeer, field: string, errors: FieldErrors): void {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  const given = [podSelector, namespaceSelector, ipBlock].filter((part) => part !== undefined);
  if (podSelector !== undefined) validateLabelSelector(podSelector, `${field}.podSelector`, errors);
  if (namespaceSelector !== undefined) validateLabelSelector(namespaceSelector, `${field}.namespaceSelector`, errors);
  if (ipBlock !== undefined) validateIPBlock(ipBlock, `${field}.ipBlock`, errors);
  if (given.length === 0) errors.required(field, "must specify a peer");
  else if (given.length > 1 && ipBlock !== undefined) {
    errors.forbidden(field, "may not specify both ipBlock and another peer");
  }
}

function validateIPBlock({ cidr, except = [] }: IPBlock, field: string, errors: FieldErrors): void {
  if (cidr === "") {
    errors.required(`${field}.cidr`);
    return;
  }
  errors.invalidEach(`${field}.cidr`, cidr, isCIDR(cidr));
  const outer = parseBlock(cidr);
  if (outer === undefined) return;
  for (const [index, hole] of except.entries()) {
    const at = `${field}.except[${index}]`;
    const inner = parseBlock(hole);
    if (inner === undefined) errors.invalidEach(at, hole, isCIDR(hole));
    else if (!isStrictSubset(inner, outer)) errors.invalid(at, hole, "must be a strict subset of `cidr`");
  }
}
