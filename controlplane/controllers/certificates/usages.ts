import { ExtendedKeyUsage, KeyUsageFlags } from "@peculiar/x509";

/** The API's names of key usages (RFC 5280 §4.2.1.3), as flags; 0 for those that are extended ones. */
const keyUsages: Readonly<Record<string, number>> = {
  signing: KeyUsageFlags.digitalSignature,
  "digital signature": KeyUsageFlags.digitalSignature,
  "content commitment": KeyUsageFlags.nonRepudiation,
  "key encipherment": KeyUsageFlags.keyEncipherment,
  "key agreement": KeyUsageFlags.keyAgreement,
  "data encipherment": KeyUsageFlags.dataEncipherment,
  "cert sign": KeyUsageFlags.keyCertSign,
  "crl sign": KeyUsageFlags.cRLSign,
  "encipher only": KeyUsageFlags.encipherOnly,
  "decipher only": KeyUsageFlags.decipherOnly,
};

/** RFC 5280 §4.2.1.12, and the IPsec ones that followed. */
const extendedUsages: Readonly<Record<string, string>> = {
  any: "2.5.29.37.0",
  "server auth": ExtendedKeyUsage.serverAuth,
  "client auth": ExtendedKeyUsage.clientAuth,
  "code signing": ExtendedKeyUsage.codeSigning,
  "email protection": ExtendedKeyUsage.emailProtection,
  "s/mime": ExtendedKeyUsage.emailProtection,
  "ipsec end system": "1.3.6.1.5.5.7.3.5",
  "ipsec tunnel": "1.3.6.1.5.5.7.3.6",
  "ipsec user": "1.3.6.1.5.5.7.3.7",
  timestamping: ExtendedKeyUsage.timeStamping,
  "ocsp signing": ExtendedKeyUsage.ocspSigning,
};

export function keyUsageOf(usage: string): number {
  return keyUsages[usage] ?? 0;
}

export function extendedUsageOf(usage: string): string[] {
  const oid = extendedUsages[usage];
  return oid === undefined ? [] : [oid];
}
