import type { PodDNSConfig, PodSpec } from "../../types/core/pod-spec.ts";
import type { FieldErrors } from "../field-errors.ts";
import { isDNS1123Subdomain, isIP } from "../formats.ts";
import { validateChoice } from "./choice.ts";

const policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];

/** What C libraries can take. */
const limits = { nameservers: 3, searches: 32, searchCharacters: 2048 };

export function validateDNS({ dnsPolicy, dnsConfig }: PodSpec, field: string, errors: FieldErrors): void {
  validateChoice(dnsPolicy, policies, `${field}.dnsPolicy`, errors);
  const at = `${field}.dnsConfig`;
  if (dnsPolicy === "None") {
    if (dnsConfig === undefined) {
      errors.required(at, "must provide `dnsConfig` when `dnsPolicy` is None");
      return;
    }
    if ((dnsConfig.nameservers ?? []).length === 0) {
      const rule = "must provide at least one DNS nameserver when `dnsPolicy` is None";
      errors.required(`${at}.nameservers`, rule);
      return;
    }
  }
  if (dnsConfig !== undefined) validateConfig(dnsConfig, at, errors);
}

function validateConfig(config: PodDNSConfig, field: string, errors: FieldErrors): void {
  const { nameservers = [], searches = [], options = [] } = config;
  if (nameservers.length > limits.nameservers) {
    errors.invalid(`${field}.nameservers`, nameservers, `must not have more than ${limits.nameservers} nameservers`);
  }
  for (const [index, server] of nameservers.entries()) {
    errors.invalidEach(`${field}.nameservers[${index}]`, server, isIP(server));
  }
  if (searches.length > limits.searches) {
    errors.invalid(`${field}.searches`, searches, `must not have more than ${limits.searches} search paths`);
  }
  if (searches.join(" ").length > limits.searchCharacters) {
    const rule = `must not have more than ${limits.searchCharacters} characters (including spaces) in the search list`;
    errors.invalid(`${field}.searches`, searches, rule);
  }
  for (const [index, search] of searches.entries()) {
    if (search === ".") continue;
    // Zones such as _sites.example.com are searched too.
    const complaints = isDNS1123Subdomain(search.replace(/\.$/, "").replaceAll(/(^|\.)_/g, "$1a"));
    errors.invalidEach(`${field}.searches[${index}]`, search.replace(/\.$/, ""), complaints);
  }
  for (const [index, { name }] of options.entries()) {
    if (!name) errors.required(`${field}.options[${index}]`, "must not be empty");
  }
}
