import type { CertificateSigningRequest } from "../../api/mod.ts";
import { findCondition } from "../common/conditions.ts";

export const signers = {
  client: "kubernetes.io/kube-apiserver-client",
  kubeletClient: "kubernetes.io/kube-apiserver-client-kubelet",
  kubeletServing: "kubernetes.io/kubelet-serving",
  legacyUnknown: "kubernetes.io/legacy-unknown",
} as const;

/** What the PKCS#10 request itself says. */
export interface Requested {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dns: readonly string[];
  readonly ips: readonly string[];
  readonly emails: readonly string[];
  readonly urls: readonly string[];
}

export function isApproved({ status }: CertificateSigningRequest): boolean {
  return (
    findCondition(status?.conditions, "Approved") !== undefined &&
    findCondition(status?.conditions, "Denied") === undefined
  );
}

export function isFailed({ status }: CertificateSigningRequest): boolean {
  return findCondition(status?.conditions, "Failed") !== undefined;
}

/** Why the signer does not sign this; undefined when it does (the rules of the original's built-in signers). */
export function refusal(signerName: string, requested: Requested, usages: readonly string[] = []): string | undefined {
  switch (signerName) {
    case signers.client:
      return clientUsagesRefusal(usages);
    case signers.kubeletClient:
      return kubeletRefusal(requested, false) ?? exactUsagesRefusal(usages, "client auth");
    case signers.kubeletServing:
      return kubeletRefusal(requested, true) ?? exactUsagesRefusal(usages, "server auth");
    case signers.legacyUnknown:
      return undefined;
    default:
      return `unknown signer ${signerName}`;
  }
}

function clientUsagesRefusal(usages: readonly string[]): string | undefined {
  const allowed = ["digital signature", "key encipherment", "client auth"];
  const unknown = usages.filter((usage) => !allowed.includes(usage));
  if (unknown.length > 0) return `usages were not in ${allowed.join(", ")}: ${unknown.join(", ")}`;
  return usages.includes("client auth") ? undefined : "usages did not contain client auth";
}

function exactUsagesRefusal(usages: readonly string[], purpose: string): string | undefined {
  const given = [...new Set(usages)].sort().join(",");
  const exact = [
    ["digital signature", purpose],
    ["digital signature", "key encipherment", purpose],
  ].map((list) => list.sort().join(","));
  return exact.includes(given)
    ? undefined
    : `usages did not match digital signature, ${purpose} and maybe key encipherment`;
}

function kubeletRefusal(requested: Requested, serving: boolean): string | undefined {
  const { commonName, organizations, dns, ips, emails, urls } = requested;
  if (organizations.length !== 1 || organizations[0] !== "system:nodes")
    return "subject organization is not system:nodes";
  if (!commonName.startsWith("system:node:")) return "subject common name does not begin with system:node:";
  if (emails.length > 0) return "email subjectAltNames are not allowed";
  if (urls.length > 0) return "URI subjectAltNames are not allowed";
  const names = dns.length + ips.length;
  if (serving) return names > 0 ? undefined : "DNS or IP subjectAltName is required";
  return names === 0 ? undefined : "DNS and IP subjectAltNames are not allowed";
}

const shortestMs = 600_000;

/** As long as was asked for, within ten minutes and what the signer gives at most. */
export function lifetimeMs(expirationSeconds: number | undefined, mostMs: number): number {
  if (expirationSeconds === undefined) return mostMs;
  return Math.min(mostMs, Math.max(shortestMs, expirationSeconds * 1000));
}
