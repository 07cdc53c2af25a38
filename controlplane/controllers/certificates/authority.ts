import type { webcrypto } from "node:crypto";
import type { X509Certificate } from "@peculiar/x509";
import { Failure } from "../../../base/mod.ts";
import type { Requested } from "./request.ts";

/** Clocks differ a little: a certificate is valid from before it was signed. */
const backdateMs = 5 * 60_000;

export interface SigningPair {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS#8, or `EC PRIVATE KEY`, or `RSA PRIVATE KEY`. */
  readonly key: string;
}

async function library() {
  // Only who signs pays for it. The package needs the other one, and does not say so.
  await import("reflect-metadata");
  const [x509, { webcrypto: crypto }] = await Promise.all([import("@peculiar/x509"), import("node:crypto")]);
  x509.cryptoProvider.set(crypto);
  return { x509, crypto };
}

/** What a PKCS#10 request asks for. Throws for anything else, and for one that its own key has not signed. */
export async function readRequest(pem: string): Promise<Requested> {
  const { x509 } = await library();
  const request = new x509.Pkcs10CertificateRequest(pem);
  if (!(await request.verify())) throw new Error("the request is not signed by its key");
  const names =
    request.extensions.find((it) => it instanceof x509.SubjectAlternativeNameExtension)?.names.toJSON() ?? [];
  const of = (type: string) => names.filter((name) => name.type === type).map(({ value }) => value);
  return {
    commonName: request.subjectName.getField("CN")[0] ?? "",
    organizations: request.subjectName.getField("O"),
    dns: of("dns"),
    ips: of("ip"),
    emails: of("email"),
    urls: of("url"),
  };
}

/** When a certificate ends, in milliseconds since 1970; undefined for what is none. */
export async function expiry(pem: string): Promise<number | undefined> {
  const { x509 } = await library();
  try {
    return new x509.X509Certificate(pem).notAfter.getTime();
  } catch {
    // Somebody's signer wrote something else there: that never expires.
    return undefined;
  }
}

/** Signs certificates in the name of a certificate authority. */
export class CertificateAuthority {
  readonly #certificate: X509Certificate;
  readonly #key: webcrypto.CryptoKey;
  readonly #algorithm: webcrypto.EcdsaParams & { name: string };

  private constructor(
    certificate: X509Certificate,
    key: webcrypto.CryptoKey,
    algorithm: webcrypto.EcdsaParams & { name: string },
  ) {
    this.#certificate = certificate;
    this.#key = key;
    this.#algorithm = algorithm;
  }

  /** Throws Failure when the two are not a certificate and its key. */
  static async load({ certificate, key }: SigningPair): Promise<CertificateAuthority> {
    const { x509, crypto } = await library();
    const { createPrivateKey } = await import("node:crypto");
    try {
      const parsed = createPrivateKey(key);
      const pkcs8 = parsed.export({ type: "pkcs8", format: "der" });
      const { namedCurve } = parsed.asymmetricKeyDetails ?? {};
      const curve = namedCurve === "secp384r1" ? "P-384" : "P-256";
      const algorithm =
        parsed.asymmetricKeyType === "ec"
          ? { name: "ECDSA", namedCurve: curve, hash: "SHA-256" }
          : { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
      const imported = await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]);
      return new CertificateAuthority(new x509.X509Certificate(certificate), imported, algorithm);
    } catch (error) {
      const why = `cannot read the signing certificate and its key: ${(error as Error).message}`;
      throw new Failure("UnreadableCertificate", why, "Name PEM files that belong together.", error);
    }
  }

  /** The subject and names of the request, the usages given, valid from now for the lifetime but not beyond the authority itself. */
  async sign(request: string, usages: readonly string[], lifetimeMs: number, nowMs: number): Promise<string> {
    const { x509, crypto } = await library();
    const asked = new x509.Pkcs10CertificateRequest(request);
    const names = asked.extensions.find((it) => it instanceof x509.SubjectAlternativeNameExtension);
    const { keyUsageOf, extendedUsageOf } = await import("./usages.ts");
    const keyUsage = usages.reduce((flags, usage) => flags | keyUsageOf(usage), 0);
    const extended = usages.flatMap(extendedUsageOf);
    const serial = crypto.getRandomValues(new Uint8Array(16));
    // Positive, and never with a leading zero byte.
    serial[0] = ((serial[0] as number) & 0x7f) | 0x01;
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: Buffer.from(serial).toString("hex"),
      subject: asked.subjectName.toJSON(),
      issuer: this.#certificate.subjectName.toJSON(),
      notBefore: new Date(nowMs - backdateMs),
      notAfter: new Date(Math.min(nowMs + lifetimeMs, this.#certificate.notAfter.getTime())),
      signingAlgorithm: this.#algorithm,
      signingKey: this.#key,
      publicKey: asked.publicKey,
      extensions: [
        ...(keyUsage === 0 ? [] : [new x509.KeyUsagesExtension(keyUsage, true)]),
        ...(extended.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension(extended)]),
        new x509.BasicConstraintsExtension(false, undefined, true),
        await x509.AuthorityKeyIdentifierExtension.create(this.#certificate),
        ...(names === undefined ? [] : [names]),
      ],
    });
    return `${certificate.toString("pem")}\n`;
  }
}
