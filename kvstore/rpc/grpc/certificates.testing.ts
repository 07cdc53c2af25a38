import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Pem {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority and what it signed, made anew for each run by openssl. */
export function makeCertificates(): { ca: Pem; server: Pem; client: Pem } {
  const dir = mkdtempSync(join(tmpdir(), "certificates-"));
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: dir, stdio: "pipe" });
  const make = (name: string, subject: string, ...signing: string[]): Pem => {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", `${name}.key`];
    openssl("req", "-x509", ...key, "-out", `${name}.crt`, "-subj", subject, "-days", "2", ...signing);
    return {
      cert: readFileSync(join(dir, `${name}.crt`), "utf8"),
      key: readFileSync(join(dir, `${name}.key`), "utf8"),
    };
  };
  try {
    const ca = make("ca", "/CN=test authority");
    const signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "basicConstraints=critical,CA:false"];
    return {
      ca,
      server: make("server", "/CN=server", ...signed, "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
      client: make("client", "/O=system:masters/CN=alice", ...signed),
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
