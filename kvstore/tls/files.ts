import { readFileSync, statSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { Failure, type Log } from "../../base/mod.ts";
import type { Pems } from "./options.ts";

/** Where the PEM files lie. */
export interface PemFiles {
  readonly cert: string;
  readonly key: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly ca?: string;
}

/**
 * Reads certificates now, and again whenever one is asked for and a file has changed. Rejects with a `Failure` at the start; later,
 * files that do not fit together (one was replaced, the other not yet) leave what was read before in force, and the log says so.
 */
export function watchedPems(files: PemFiles, log: Log): () => Pems {
  let seen = fingerprintOf(files);
  let pems = read(files);
  return () => {
    const now = fingerprintOf(files);
    if (now === seen) return pems;
    seen = now;
    try {
      pems = read(files);
      log("info", "read certificates again", { "cert-file": files.cert });
    } catch (error) {
      log("warn", "failed to create peer certificate", { "cert-file": files.cert, "key-file": files.key, error });
    }
    return pems;
  };
}

function read(files: PemFiles): Pems {
  const texts = Object.fromEntries(
    Object.entries(files)
      .filter(([, path]) => path !== undefined && path !== "")
      .map(([name, path]) => [name, readText(path as string)]),
  ) as unknown as Pems;
  fitTogether(files.cert, files.key, texts.cert, texts.key, texts.ca);
  if (texts.clientCert !== undefined && texts.clientKey !== undefined) {
    fitTogether(files.clientCert as string, files.clientKey as string, texts.clientCert, texts.clientKey);
  }
  return texts;
}

type Text = string | Uint8Array;

function fitTogether(certFile: string, keyFile: string, cert: Text, key: Text, ca?: Text): void {
  try {
    createSecureContext({ cert: cert as string, key: key as string, ...(ca !== undefined && { ca: ca as string }) });
  } catch (error) {
    const why = `${certFile} and ${keyFile} are no certificate and its key: ${(error as Error).message}`;
    throw new Failure("CertificateUnusable", why, "Check that both are PEM files and belong together", error);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new Failure("FileUnreadable", `cannot read ${path} (${why})`, "Check the path and its permissions", error);
  }
}

/** Changes when a file is written, replaced, or linked elsewhere. */
export function fingerprintOf(files: Readonly<Record<string, string | undefined>> | PemFiles): string {
  return Object.values(files)
    .map((path: string | undefined) => {
      const found =
        path === undefined || path === "" ? undefined : statSync(path, { throwIfNoEntry: false, bigint: true });
      return found === undefined ? "-" : `${found.ino}.${found.mtimeNs}.${found.ctimeNs}.${found.size}`;
    })
    .join();
}
