import type { X509Certificate } from "node:crypto";
import { lookup, reverse } from "node:dns/promises";
import { isIP } from "node:net";
import type { TLSSocket } from "node:tls";
import type { TlsOptions } from "./options.ts";

/** Why the other side of a connection is not who it should be, in the words of the original; undefined if it is. */
export async function objectionTo(
  socket: TLSSocket,
  tls: TlsOptions,
  role: "client" | "server",
): Promise<string | undefined> {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined; // none was asked for
  if (!socket.authorized && !(role === "server" && tls.trustsAnyServer)) {
    return verificationText(String(socket.authorizationError));
  }
  const revoked = revokedOf(certificate, tls);
  if (revoked !== undefined) return revoked;
  if (!isAllowed(certificate, tls)) return "client certificate authentication failed";
  if (role === "server" || !tls.checkAddress) return undefined;
  return addressObjection(certificate, (socket.remoteAddress ?? "").replace(/^::ffff:/, ""));
}

/** Of the whole chain: who is revoked has signed nothing. */
function revokedOf(certificate: X509Certificate, tls: TlsOptions): string | undefined {
  const serials = tls.revoked?.();
  if (serials === undefined) return undefined;
  const seen = new Set<string>();
  for (let one: X509Certificate | undefined = certificate; one !== undefined; one = one.issuerCertificate) {
    if (seen.has(one.fingerprint256)) break;
    seen.add(one.fingerprint256);
    const serial = one.serialNumber.toUpperCase().replace(/^0+/, "");
    if (serials.has(serial)) return `transport: certificate serial ${serial.toLowerCase()} revoked`;
  }
  return undefined;
}

function isAllowed(
  certificate: X509Certificate,
  { allowedCommonNames = [], allowedHostnames = [] }: TlsOptions,
): boolean {
  if (allowedCommonNames.length > 0) return allowedCommonNames.includes(commonNameOf(certificate));
  return allowedHostnames.length === 0 || allowedHostnames.some((name) => isFor(certificate, name));
}

export function commonNameOf({ subject }: X509Certificate): string {
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? "";
}

function isFor(certificate: X509Certificate, name: string): boolean {
  if (isIP(name) !== 0) return certificate.checkIP(name) !== undefined;
  return certificate.checkHost(name, { subject: "never" }) !== undefined;
}

/** A certificate with addresses or names has to have the address the connection comes from; one without has nothing to say. */
async function addressObjection(certificate: X509Certificate, address: string): Promise<string | undefined> {
  const names = [...(certificate.subjectAltName ?? "").matchAll(/(DNS|IP Address):([^,]+)/g)];
  const [ips, hosts] = ["IP Address", "DNS"].map((kind) =>
    names.filter(([, of]) => of === kind).map(([, , name]) => name as string),
  );
  if (ips === undefined || hosts === undefined || names.length === 0) return undefined;
  if (ips.length > 0 && isFor(certificate, address)) return undefined;
  if (hosts.length === 0) return `x509: certificate is valid for ${ips.join(", ")}, not ${address}`;
  if (await isOneOf(address, hosts)) return undefined;
  return `tls: ${JSON.stringify(address)} does not match any of DNSNames ${JSON.stringify(hosts)}`;
}

/** By the name of the address, wildcards included, or by the addresses of the names. */
async function isOneOf(address: string, hosts: readonly string[]): Promise<boolean> {
  const reversed = await reverse(address).catch(() => []);
  const matches = (name: string) =>
    hosts.some((host) => (host.startsWith("*.") ? name.endsWith(host.slice(1)) : name === host));
  if (reversed.some((name) => matches(name.replace(/\.$/, "")))) return true;
  for (const host of hosts) {
    const found = await lookup(host, { all: true }).catch(() => []);
    if (found.some((one) => one.address === address)) return true;
  }
  return false;
}

const unknownAuthority = "x509: certificate signed by unknown authority";
const verificationTexts: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "x509: certificate has expired or is not yet valid",
  CERT_NOT_YET_VALID: "x509: certificate has expired or is not yet valid",
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  CERT_SIGNATURE_FAILURE: unknownAuthority,
  INVALID_PURPOSE: "x509: certificate specifies an incompatible key usage",
};

export function verificationText(code: string): string {
  return `tls: failed to verify certificate: ${verificationTexts[code] ?? `x509: ${code}`}`;
}

/** Alerts of TLS by OpenSSL's names, as Go says them. */
const alertTexts: Readonly<Record<string, string>> = {
  "certificate unknown": "unknown certificate",
  "certificate expired": "expired certificate",
  "certificate revoked": "revoked certificate",
  "unknown ca": "unknown certificate authority",
};

/** A handshake that failed, as Go says it. */
export function handshakeText(error: Error & { readonly code?: string; readonly reason?: string }): string {
  const { code = "", reason = error.message } = error;
  const alert = /alert (.+)$/.exec(reason)?.[1];
  if (alert !== undefined) return `remote error: tls: ${alertTexts[alert] ?? alert}`;
  if (/peer did not return a certificate/.test(reason)) return "tls: client didn't provide a certificate";
  if (/http request|wrong version number|packet length too long|unexpected message|record layer/i.test(reason)) {
    return "tls: first record does not look like a TLS handshake";
  }
  if (/unsupported protocol/.test(reason)) return "tls: client offered only unsupported versions";
  if (/no shared cipher/.test(reason)) return "tls: no cipher suite supported by both client and server";
  return code === "ECONNRESET" ? "EOF" : reason;
}
