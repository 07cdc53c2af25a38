import "reflect-metadata";
import { readFileSync } from "node:fs";
import { PemConverter, X509Crl } from "@peculiar/x509";
import { Failure } from "../../base/mod.ts";
import { fingerprintOf } from "./files.ts";

/**
 * Serial numbers on the revocation lists of a file (DER, or one or several in PEM), read again whenever the file has changed.
 * A list that cannot be read is a `Failure`, now and at every later handshake: nobody knows then who is revoked. As in the original,
 * a list counts for all certificates, whoever issued them, and until it is replaced.
 */
export function watchedRevocations(path: string): () => ReadonlySet<string> {
  let seen = fingerprintOf({ path });
  let serials: ReadonlySet<string> | undefined = read(path);
  return () => {
    const now = fingerprintOf({ path });
    if (now !== seen) {
      seen = now;
      serials = undefined;
    }
    serials ??= read(path);
    return serials;
  };
}

function read(path: string): ReadonlySet<string> {
  try {
    const bytes = readFileSync(path);
    const isPem = bytes.includes("-----BEGIN");
    const lists = isPem ? PemConverter.decode(bytes.toString()) : [bytes];
    if (lists.length === 0) throw new Error("it holds no list");
    const entries = lists.flatMap((list) => new X509Crl(list).entries);
    return new Set(entries.map(({ serialNumber }) => serialNumber.toUpperCase().replace(/^0+/, "")));
  } catch (error) {
    const why = `${path} is no certificate revocation list: ${(error as Error).message}`;
    throw new Failure("RevocationsUnreadable", why, "Give it a CRL, in DER or PEM", error);
  }
}
