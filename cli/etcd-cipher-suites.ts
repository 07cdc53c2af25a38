import { ConfigError } from "./etcd-options.ts";

/** Go's names of the cipher suites of TLS 1.2, and OpenSSL's. Those of TLS 1.3 are not to choose from, there as here. */
const suites: Readonly<Record<string, string>> = {
  TLS_RSA_WITH_AES_128_CBC_SHA: "AES128-SHA",
  TLS_RSA_WITH_AES_256_CBC_SHA: "AES256-SHA",
  TLS_RSA_WITH_AES_128_CBC_SHA256: "AES128-SHA256",
  TLS_RSA_WITH_AES_128_GCM_SHA256: "AES128-GCM-SHA256",
  TLS_RSA_WITH_AES_256_GCM_SHA384: "AES256-GCM-SHA384",
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: "ECDHE-ECDSA-AES128-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: "ECDHE-ECDSA-AES256-SHA",
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: "ECDHE-RSA-AES128-SHA",
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: "ECDHE-RSA-AES256-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256: "ECDHE-ECDSA-AES128-SHA256",
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: "ECDHE-RSA-AES128-SHA256",
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: "ECDHE-RSA-AES128-GCM-SHA256",
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: "ECDHE-ECDSA-AES128-GCM-SHA256",
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: "ECDHE-RSA-AES256-GCM-SHA384",
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: "ECDHE-ECDSA-AES256-GCM-SHA384",
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305: "ECDHE-RSA-CHACHA20-POLY1305",
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-RSA-CHACHA20-POLY1305",
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305: "ECDHE-ECDSA-CHACHA20-POLY1305",
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-ECDSA-CHACHA20-POLY1305",
};

const versions = { "TLS1.2": "TLSv1.2", "TLS1.3": "TLSv1.3" } as const;
type Version = (typeof versions)[keyof typeof versions];

export interface TlsLimits {
  readonly minVersion: Version;
  readonly maxVersion?: Version;
  readonly ciphers?: string;
}

/** What may be negotiated. Rejects with a `ConfigError` what no handshake could satisfy. */
export function tlsLimits(min: string, max: string, names: readonly string[]): TlsLimits {
  const minVersion = min === "" ? versions["TLS1.2"] : versionOf(min);
  const maxVersion = max === "" ? undefined : versionOf(max);
  if (maxVersion !== undefined && minVersion > maxVersion) {
    throw new ConfigError(`min version (${min}) is greater than max version (${max})`);
  }
  if (names.length === 0) return { minVersion, ...(maxVersion && { maxVersion }) };
  if (minVersion === versions["TLS1.3"]) {
    throw new ConfigError("cipher suites cannot be configured when only TLS1.3 is enabled");
  }
  const ciphers = names.map((name) => {
    const cipher = suites[name];
    if (cipher === undefined) throw new ConfigError(`unexpected TLS cipher suite ${JSON.stringify(name)}`);
    return cipher;
  });
  // OpenSSL has them all in one list; without those of 1.3 there would be no 1.3.
  const modern = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
  return { minVersion, ...(maxVersion && { maxVersion }), ciphers: [...modern, ...ciphers].join(":") };
}

function versionOf(name: string): Version {
  if (Object.hasOwn(versions, name)) return versions[name as keyof typeof versions];
  throw new ConfigError(`unexpected TLS version ${JSON.stringify(name)}`, "It is TLS1.2 or TLS1.3");
}
