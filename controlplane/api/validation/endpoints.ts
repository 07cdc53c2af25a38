import type { EndpointAddress, Endpoints } from "../types/core/endpoints.ts";
import type { EndpointSlice } from "../types/discovery.ts";
import { validateOneOf } from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isDNS1123Label, isDNS1123Subdomain, isIP, isIPv4, isIPv6, isPortNumber } from "./formats.ts";
import { validateImmutable } from "./metadata.ts";

const protocols = ["SCTP", "TCP", "UDP"];
const maxEndpoints = 1000;
const maxPorts = 20_000;
const maxAddresses = 100;

export function validateEndpoints({ subsets = [] }: Endpoints, errors: FieldErrors): void {
  for (const [index, { addresses = [], notReadyAddresses = [], ports = [] }] of subsets.entries()) {
    const at = `subsets[${index}]`;
    if (addresses.length + notReadyAddresses.length === 0) {
      errors.required(at, "must specify `addresses` or `notReadyAddresses`");
    }
    validateAddresses(addresses, `${at}.addresses`, errors);
    validateAddresses(notReadyAddresses, `${at}.notReadyAddresses`, errors);
    for (const [i, { name = "", port, protocol }] of ports.entries()) {
      const field = `${at}.ports[${i}]`;
      if (name === "" && ports.length > 1) errors.required(`${field}.name`);
      else if (name !== "") errors.invalidEach(`${field}.name`, name, isDNS1123Label(name));
      errors.invalidEach(`${field}.port`, port, isPortNumber(port));
      validateOneOf(protocol, protocols, `${field}.protocol`, errors);
    }
  }
}

function validateAddresses(addresses: readonly EndpointAddress[], field: string, errors: FieldErrors): void {
  for (const [index, { ip, hostname, nodeName }] of addresses.entries()) {
    const at = `${field}[${index}]`;
    errors.invalidEach(`${at}.ip`, ip, isIP(ip));
    if (hostname) errors.invalidEach(`${at}.hostname`, hostname, isDNS1123Label(hostname));
    if (nodeName !== undefined) errors.invalidEach(`${at}.nodeName`, nodeName, isDNS1123Subdomain(nodeName));
    if (/^(127\.|169\.254\.|22[4-9]\.|23\d\.|0\.0\.0\.0$)/.test(ip)) errors.invalid(`${at}.ip`, ip, reservedRange(ip));
  }
}

/** Addresses that mean something else on every machine cannot be anybody's endpoint. */
function reservedRange(ip: string): string {
  if (ip === "0.0.0.0") return "may not be unspecified (0.0.0.0 or ::)";
  if (ip.startsWith("127.")) return "may not be in the loopback range (127.0.0.0/8, ::1/128)";
  if (ip.startsWith("169.254.")) return "may not be in the link-local range (169.254.0.0/16, fe80::/10)";
  return "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)";
}

export function validateEndpointSlice(slice: EndpointSlice, errors: FieldErrors): void {
  const { addressType, endpoints = [], ports = [] } = slice;
  validateOneOf(addressType, ["FQDN", "IPv4", "IPv6"], "addressType", errors);
  if (endpoints.length > maxEndpoints) errors.tooMany("endpoints", endpoints.length, maxEndpoints);
  for (const [index, { addresses, hostname, nodeName }] of endpoints.entries()) {
    const at = `endpoints[${index}]`;
    if (addresses.length === 0) errors.required(`${at}.addresses`, "must contain at least 1 address");
    else if (addresses.length > maxAddresses) errors.tooMany(`${at}.addresses`, addresses.length, maxAddresses);
    for (const [i, address] of addresses.entries()) {
      const field = `${at}.addresses[${i}]`;
      if (addressType === "FQDN") errors.invalidEach(field, address, isDNS1123Subdomain(address));
      else if (addressType === "IPv4" && !isIPv4(address)) errors.invalid(field, address, "must be an IPv4 address");
      else if (addressType === "IPv6" && !isIPv6(address)) errors.invalid(field, address, "must be an IPv6 address");
    }
    if (hostname !== undefined) errors.invalidEach(`${at}.hostname`, hostname, isDNS1123Label(hostname));
    if (nodeName !== undefined) errors.invalidEach(`${at}.nodeName`, nodeName, isDNS1123Subdomain(nodeName));
  }
  if (ports.length > maxPorts) errors.tooMany("ports", ports.length, maxPorts);
  const names = new Set<string>();
  for (const [index, { name = "", protocol }] of ports.entries()) {
    if (name !== "") errors.invalidEach(`ports[${index}].name`, name, isDNS1123Label(name));
    if (names.has(name)) errors.duplicate(`ports[${index}].name`, name);
    names.add(name);
    validateOneOf(protocol, protocols, `ports[${index}].protocol`, errors);
  }
}

export function validateEndpointSliceUpdate(next: EndpointSlice, old: EndpointSlice, errors: FieldErrors): void {
  validateImmutable(next.addressType, old.addressType, "addressType", errors);
}
