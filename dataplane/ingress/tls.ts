import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import * as x509 from "@peculiar/x509";
import type { Log } from "../../base/mod.ts";
import type { Secret } from "../../controlplane/api/mod.ts";
import { HostTable, hostOf } from "./host-table.ts";
import type { TlsRequest } from "./routing.ts";

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

interface Parsed {
  readonly pair: Pair;
  /** Undefined: it cannot be used, which has been said. */
  readonly context: SecureContext | undefined;
}

const tenYearsMs = 10 * 365 * 24 * 3600 * 1000;

/** What is shown to clients that ask for a name no Ingress has a certificate for. Made anew at every start. */
export async function selfSignedPair(nowMs: number): Promise<Pair> {
  x509.cryptoProvider.set(webcrypto);
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ["flotilla ingress default certificate"] }],
    notBefore: new Date(nowMs - 60_000),
    notAfter: new Date(nowMs + tenYearsMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: "ingress.local" }])],
  });
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { cert: certificate.toString("pem"), key: x509.PemConverter.encode(pkcs8, "PRIVATE KEY") };
}

function pairOf({ data = {} }: Secret): Pair {
  const text = (key: string) => Buffer.from(data[key] ?? "", "base64").toString("utf8");
  return { cert: text("tls.crt"), key: text("tls.key") };
}

/** Which certificate a client sees, by the name it asks for (SNI). Handshakes under way keep what they were given. */
export class Certificates {
  readonly #log: Log;
  #hosts = new HostTable<SecureContext>();
  /** Parsed pairs by Secret; a pair that did not change is not parsed again. */
  #parsed = new Map<string, Parsed>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** A Secret that is missing or not usable leaves its hosts with the default certificate. */
  update(requests: readonly TlsRequest[], secret: (namespace: string, name: string) => Secret | undefined): void {
    const hosts = new HostTable<SecureContext>();
    const parsed = new Map<string, Parsed>();
    for (const { hosts: names, secretNamespace, secretName } of requests) {
      const found = secret(secretNamespace, secretName);
      if (found === undefined) continue;
      const key = `${secretNamespace}/${secretName}`;
      const known = parsed.get(key) ?? this.#parse(key, pairOf(found));
      parsed.set(key, known);
      const { context } = known;
      if (context !== undefined) for (const name of names) hosts.at(name, () => context);
    }
    this.#hosts = hosts;
    this.#parsed = parsed;
  }

  /** Undefined: the default certificate. */
  contextFor(serverName: string): SecureContext | undefined {
    return this.#hosts.matching(hostOf(serverName)).next().value ?? undefined;
  }

  #parse(key: string, pair: Pair): Parsed {
    const known = this.#parsed.get(key);
    if (known?.pair.cert === pair.cert && known.pair.key === pair.key) return known;
    try {
      return { pair, context: createSecureContext(pair) };
    } catch (error) {
      this.#log("warn", "a certificate cannot be used", { secret: key, error: (error as Error).message });
      return { pair, context: undefined };
    }
  }
}
