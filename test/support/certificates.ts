import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import { writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 24 * 3_600_000;

export interface Identity {
  readonly commonName?: string;
  /** Names and addresses it is for. */
  readonly names?: readonly string[];
  /** From now on; negative: it was good until then. */
  readonly days?: number;
}

/** Files of one certificate. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
  readonly serialNumber: string;
}

/** A certificate authority that writes what it signs into a directory. */
export class TestAuthority {
  readonly directory: string;
  /** File of its own certificate. */
  readonly file: string;
  readonly pem: string;
  readonly #certificate: x509.X509Certificate;
  readonly #key: webcrypto.CryptoKey;

  private constructor(directory: string, file: string, certificate: x509.X509Certificate, key: webcrypto.CryptoKey) {
    this.directory = directory;
    this.file = file;
    this.pem = `${certificate.toString("pem")}\n`;
    this.#certificate = certificate;
    this.#key = key;
  }

  static async make(directory: string, name: string): Promise<TestAuthority> {
    x509.cryptoProvider.set(webcrypto);
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serial(),
      name: [{ CN: [name] }],
      notBefore: new Date(Date.now() - dayMs),
      notAfter: new Date(Date.now() + 10 * dayMs),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    const authority = new TestAuthority(directory, join(directory, `${name}.pem`), certificate, keys.privateKey);
    writeFileSync(authority.file, authority.pem);
    return authority;
  }

  /** Writes `name.pem` and `name-key.pem`, in place of those that are there. */
  async issue(name: string, { commonName = "", names = [], days = 1 }: Identity = {}): Promise<Issued> {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const serialNumber = serial();
    const alternatives = names.map((one) => ({
      type: isIP(one) === 0 ? ("dns" as const) : ("ip" as const),
      value: one,
    }));
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber,
      subject: commonName === "" ? [{ O: ["test"] }] : [{ CN: [commonName] }],
      issuer: this.#certificate.subject,
      notBefore: new Date(Date.now() - 10 * dayMs),
      notAfter: new Date(Date.now() + days * dayMs),
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey: this.#key,
      extensions: [
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
        ...(alternatives.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(alternatives)]),
        await x509.AuthorityKeyIdentifierExtension.create(this.#certificate),
      ],
    });
    const files = { cert: join(this.directory, `${name}.pem`), key: join(this.directory, `${name}-key.pem`) };
    const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
    writeFileSync(files.key, `${x509.PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`, { mode: 0o600 });
    writeFileSync(files.cert, `${certificate.toString("pem")}\n`);
    return { ...files, serialNumber };
  }

  /** Writes the list of revoked certificates: in DER, which is what Go reads. */
  async revoke(name: string, serialNumbers: readonly string[]): Promise<string> {
    const list = await x509.X509CrlGenerator.create({
      issuer: this.#certificate.subject,
      thisUpdate: new Date(Date.now() - dayMs),
      nextUpdate: new Date(Date.now() + dayMs),
      signingAlgorithm: algorithm,
      signingKey: this.#key,
      entries: serialNumbers.map((serialNumber) => ({ serialNumber, revocationDate: new Date() })),
    });
    const file = join(this.directory, name);
    writeFileSync(file, Buffer.from(list.rawData));
    return file;
  }
}

function serial(): string {
  const bytes = randomBytes(8);
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40; // positive, and never with a leading zero byte
  return bytes.toString("hex");
}
