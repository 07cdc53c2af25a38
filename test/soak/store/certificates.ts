import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientTlsOptions } from "../../../kvstore/client/mod.ts";
import { TestAuthority } from "../../support/certificates.ts";

export type Authority = "old" | "new";

/** Everyone's certificate, and the authorities that they trust, in files of their own; two authorities that sign. */
export class Certificates {
  readonly #directory: string;
  readonly #authorities: Readonly<Record<Authority, TestAuthority>>;

  private constructor(directory: string, authorities: Readonly<Record<Authority, TestAuthority>>) {
    this.#directory = directory;
    this.#authorities = authorities;
  }

  /** All these have certificates of the old authority, and trust it. */
  static async make(names: readonly string[]): Promise<Certificates> {
    const directory = mkdtempSync(join(tmpdir(), "flotilla-soak-pki-"));
    const [old, next] = [await TestAuthority.make(directory, "old"), await TestAuthority.make(directory, "new")];
    const certificates = new Certificates(directory, { old, new: next });
    for (const name of names) {
      await certificates.issue(name, "old");
      certificates.trust(name, ["old"]);
    }
    return certificates;
  }

  /** A member's, on both of its sides. */
  flags(at: number): string[] {
    const { cert, key, authorities } = this.#files(`m${at}`);
    const pair = (prefix: string) => [`--${prefix}cert-file`, cert, `--${prefix}key-file`, key];
    const trust = (prefix: string) => [`--${prefix}client-cert-auth`, `--${prefix}trusted-ca-file`, authorities];
    return [...pair(""), ...trust(""), ...pair("peer-"), ...trust("peer-")];
  }

  /** A client's, as they are at this moment. */
  client(name = "client"): ClientTlsOptions {
    const { cert, key, authorities } = this.#files(name);
    return { ca: readFileSync(authorities), cert: readFileSync(cert), key: readFileSync(key) };
  }

  async issue(name: string, by: Authority): Promise<void> {
    await this.#authorities[by].issue(name, { names: ["127.0.0.1"] });
  }

  /** In one move: whoever reads meanwhile gets all of the file. */
  trust(name: string, which: readonly Authority[]): void {
    const { authorities } = this.#files(name);
    writeFileSync(`${authorities}.next`, which.map((one) => this.#authorities[one].pem).join(""));
    renameSync(`${authorities}.next`, authorities);
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #files(name: string): { readonly cert: string; readonly key: string; readonly authorities: string } {
    const file = (end: string) => join(this.#directory, `${name}${end}`);
    return { cert: file(".pem"), key: file("-key.pem"), authorities: file("-ca.pem") };
  }
}
