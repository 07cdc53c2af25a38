import type { CertificateSigningRequest } from "../types/certificates.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isDNS1123Subdomain } from "./formats.ts";

const minExpirationSeconds = 600;

/** Of certificates.k8s.io/v1. */
const usages = [
  "any",
  "cert sign",
  "client auth",
  "code signing",
  "content commitment",
  "crl sign",
  "data encipherment",
  "decipher only",
  "digital signature",
  "email protection",
  "encipher only",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "key agreement",
  "key encipherment",
  "microsoft sgc",
  "netscape sgc",
  "ocsp signing",
  "s/mime",
  "server auth",
  "signing",
  "timestamping",
];

/** Whether the request itself can be read, and who may ask for it, admission says: that takes a parser of X.509. */
export function validateCertificateSigningRequest({ spec }: CertificateSigningRequest, errors: FieldErrors): void {
  const given = spec.usages ?? [];
  if (spec.request === "") errors.required("spec.request");
  if (given.length === 0) errors.required("spec.usages");
  for (const [index, usage] of given.entries()) {
    if (!usages.includes(usage)) errors.notSupported(`spec.usages[${index}]`, usage, usages);
    if (given.indexOf(usage) < index) errors.duplicate(`spec.usages[${index}]`, usage);
  }
  const { expirationSeconds: seconds } = spec;
  if (seconds !== undefined && seconds < minExpirationSeconds) {
    const rule = `may not specify a duration less than ${minExpirationSeconds} seconds (10 minutes)`;
    errors.invalid("spec.expirationSeconds", seconds, rule);
  }
  validateSignerName(spec.signerName, "spec.signerName", errors);
}

function validateSignerName(name: string, field: string, errors: FieldErrors): void {
  if (name === "") {
    errors.required(field);
    return;
  }
  const [domain = "", path, ...more] = name.split("/");
  if (path === undefined || path === "" || more.length > 0) {
    errors.invalid(field, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
    return;
  }
  if (!domain.includes("."))
    errors.invalid(field, domain, "should be a domain with at least two segments separated by dots");
  for (const part of [domain, path]) errors.invalidEach(field, name, isDNS1123Subdomain(part));
  if (name === "kubernetes.io/legacy-unknown") {
    errors.invalid(field, name, "the legacy signerName is not allowed via this API version");
  }
}
