import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join, resolve } from "node:path";
import * as x509 from "@peculiar/x509";
import type { Log } from "../base/mod.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const yearMs = 365 * 24 * 3_600_000;

/** Makes a certificate and its key in `directory`, good for `hosts` and signed by itself, unless there is one. */
export async function selfSigned(
  directory: string,
  hosts: readonly string[],
  years: number,
  log: Log,
): Promise<{ cert: string; key: string }> {
  const cert = resolve(join(directory, "cert.pem"));
  const key = resolve(join(directory, "key.pem"));
  if (existsSync(cert) && existsSync(key)) return { cert, key };
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  x509.cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const notAfter = new Date(Date.now() + years * yearMs);
  log("warn", "automatically generate certificates", {
    "certificate-validity-bound-not-after": notAfter.toISOString(),
  });
  const serial = randomBytes(16);
  serial[0] = ((serial[0] as number) & 0x7f) | 0x01; // positive, and never with a leading zero byte
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial.toString("hex"),
    name: [{ O: ["etcd"] }],
    notBefore: new Date(Date.now() - 60_000),
    notAfter,
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment | x509.KeyUsageFlags.keyCertSign,
      ),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension(
        [...new Set(hosts)].map((host) => ({
          type: isIP(host) === 0 ? ("dns" as const) : ("ip" as const),
          value: host,
        })),
      ),
    ],
  });
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  writeFileSync(cert, `${certificate.toString("pem")}\n`, { mode: 0o644 });
  log("info", "created cert file", { path: cert });
  writeFileSync(key, `${x509.PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`, { mode: 0o600 });
  log("info", "created key file", { path: key });
  return { cert, key };
}
