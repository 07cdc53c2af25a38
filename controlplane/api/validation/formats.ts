/**
 * Formats of names and values. Each function returns complaints, empty when the text is well formed. The sentences and the regular
 * expressions in them are Kubernetes' own: tools and tests compare them.
 */

const alphanumeric = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const dns1123Subdomain = `${alphanumeric}(\\.${alphanumeric})*`;
const dns1035Label = "[a-z]([-a-z0-9]*[a-z0-9])?";
const qualifiedNamePart = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const labelValue = `(${qualifiedNamePart})?`;
const configMapKey = "[-._a-zA-Z0-9]+";
const httpHeaderName = "[-A-Za-z0-9]+";
const percent = "[0-9]+%";

function whole(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`);
}

const patterns = {
  label: whole(alphanumeric),
  subdomain: whole(dns1123Subdomain),
  dns1035Label: whole(dns1035Label),
  qualifiedNamePart: whole(qualifiedNamePart),
  labelValue: whole(labelValue),
  configMapKey: whole(configMapKey),
  httpHeaderName: whole(httpHeaderName),
  percent: whole(percent),
  // Printable ASCII but "=".
  envVarName: /^[ -<>-~]*$/,
};

function mismatch(rule: string, pattern: string, ...examples: readonly string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(" or ");
  return `${rule} (${examples.length === 0 ? "" : `e.g. ${shown}`}regex used for validation is '${pattern}')`;
}

function atMost(length: number, unit: "characters" | "bytes"): string {
  return `must be no more than ${length} ${unit}`;
}

export function inRange(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`;
}

export function isDNS1123Label(value: string): string[] {
  const complaints: string[] = [];
  if (value.length > 63) complaints.push(atMost(63, "characters"));
  if (patterns.label.test(value)) return complaints;
  if (patterns.subdomain.test(value)) complaints.push("must not contain dots");
  else {
    const rule =
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
    complaints.push(mismatch(rule, alphanumeric, "my-name", "123-abc"));
  }
  return complaints;
}

export function isDNS1123Subdomain(value: string): string[] {
  const complaints: string[] = [];
  if (value.length > 253) complaints.push(atMost(253, "characters"));
  if (!patterns.subdomain.test(value)) {
    const rule =
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
    complaints.push(mismatch(rule, dns1123Subdomain, "example.com"));
  }
  return complaints;
}

export function isDNS1035Label(value: string): string[] {
  const complaints: string[] = [];
  if (value.length > 63) complaints.push(atMost(63, "characters"));
  if (!patterns.dns1035Label.test(value)) {
    const rule =
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
    complaints.push(mismatch(rule, dns1035Label, "my-name", "abc-123"));
  }
  return complaints;
}

/** `*.` and a subdomain: hosts of Ingresses. */
export function isWildcardDNS1123Subdomain(value: string): string[] {
  if (value.startsWith("*.") && patterns.subdomain.test(value.slice(2))) return [];
  const rule =
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
  return [mismatch(rule, `\\*\\.${dns1123Subdomain}`, "*.example.com")];
}

/** One element of a URL path: the rule for names of RBAC objects. */
export function isPathSegment(value: string): string[] {
  if (value === "." || value === "..") return [`may not be '${value}'`];
  return ["/", "%"].filter((character) => value.includes(character)).map((c) => `may not contain '${c}'`);
}

/** Keys of labels and annotations, finalizers: a name of at most 63, with an optional DNS prefix and a slash. */
export function isQualifiedName(value: string): string[] {
  const rule =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  const examples = ["MyName", "my.name", "123-abc"] as const;
  const parts = value.split("/");
  if (parts.length > 2) {
    const shape = mismatch(`a valid label key ${rule}`, qualifiedNamePart, ...examples);
    return [`${shape} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const complaints: string[] = [];
  const name = parts.at(-1) as string;
  if (parts.length === 2) {
    const prefix = parts[0] as string;
    if (prefix === "") complaints.push("prefix part must be non-empty");
    else complaints.push(...isDNS1123Subdomain(prefix).map((complaint) => `prefix part ${complaint}`));
  }
  if (name === "") complaints.push("name part must be non-empty");
  else if (name.length > 63) complaints.push(`name part ${atMost(63, "bytes")}`);
  if (!patterns.qualifiedNamePart.test(name)) {
    complaints.push(`name part ${mismatch(rule, qualifiedNamePart, ...examples)}`);
  }
  return complaints;
}

export function isLabelValue(value: string): string[] {
  const complaints: string[] = [];
  if (value.length > 63) complaints.push(atMost(63, "bytes"));
  if (!patterns.labelValue.test(value)) {
    const rule =
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
    complaints.push(mismatch(rule, labelValue, "MyValue", "my_value", "12345"));
  }
  return complaints;
}

export function isPortNumber(value: number): string[] {
  return value >= 1 && value <= 65535 ? [] : [inRange(1, 65535)];
}

export function isPortName(value: string): string[] {
  const complaints: string[] = [];
  if (value.length > 15) complaints.push(atMost(15, "characters"));
  if (!/^[-a-z0-9]+$/.test(value)) {
    complaints.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!/[a-z]/.test(value)) complaints.push("must contain at least one letter (a-z)");
  if (value.includes("--")) complaints.push("must not contain consecutive hyphens");
  if (/^-|-$/.test(value)) complaints.push("must not begin or end with a hyphen");
  return complaints;
}

export function isPercent(value: string): string[] {
  if (patterns.percent.test(value)) return [];
  const rule = "a valid percent string must be a numeric string followed by an ending '%'";
  return [mismatch(rule, percent, "1%", "93%")];
}

/** Names of environment variables: anything printable but "=". */
export function isEnvVarName(value: string): string[] {
  if (value === "") return ["environment variable name must be non-empty"];
  if (patterns.envVarName.test(value)) return [];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** Keys of ConfigMaps and Secrets, which become file names. */
export function isConfigMapKey(value: string): string[] {
  const complaints: string[] = [];
  if (value.length > 253) complaints.push(atMost(253, "characters"));
  if (!patterns.configMapKey.test(value)) {
    const rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    complaints.push(mismatch(rule, configMapKey, "key.name", "KEY_NAME", "key-name"));
  }
  if (value === "." || value === "..") complaints.push(`must not be '${value}'`);
  else if (value.startsWith("..")) complaints.push("must not start with '..'");
  return complaints;
}

export function isHTTPHeaderName(value: string): string[] {
  if (patterns.httpHeaderName.test(value)) return [];
  const rule = "a valid HTTP header must consist of alphanumeric characters or '-'";
  return [mismatch(rule, httpHeaderName, "X-Header-Name")];
}

const octet = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const ipv4 = new RegExp(`^${octet}(\\.${octet}){3}$`);

export function isIPv4(value: string): boolean {
  return ipv4.test(value);
}

/** RFC 4291 §2.2: eight groups, one run of which may be left out, the last two of which may be an IPv4 address. */
export function isIPv6(value: string): boolean {
  const halves = value.split("::");
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    const parts = half === "" ? [] : half.split(":");
    for (const [at, part] of parts.entries()) {
      const isLast = index === halves.length - 1 && at === parts.length - 1;
      if (isLast && isIPv4(part)) groups += 2;
      else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups++;
      else return false;
    }
  }
  return halves.length === 2 ? groups < 8 : groups === 8;
}

export function isIP(value: string): string[] {
  return isIPv4(value) || isIPv6(value) ? [] : ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"];
}

export function isCIDR(value: string): string[] {
  const [address, bits, ...rest] = value.split("/");
  const width = isIPv4(address ?? "") ? 32 : isIPv6(address ?? "") ? 128 : -1;
  const isPrefix = bits !== undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= width && rest.length === 0;
  return isPrefix ? [] : ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"];
}
