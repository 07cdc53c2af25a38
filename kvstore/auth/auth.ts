import { randomInt } from "node:crypto";
import type { Clock, Log } from "../../base/mod.ts";
import type { InternalRaftRequest } from "../../proto/mod.ts";
import { AuthApplier, type AuthOutcome } from "./applier.ts";
import { type Caller, type Credentials, callerOfEntry, certifiedName, tokenOf } from "./caller.ts";
import { type AttachedKeys, type Denial, entryDenial } from "./checks.ts";
import { nodeKeyFiles } from "./node-key-files.ts";
import { Passwords, validCost } from "./passwords.ts";
import { type AuthBuckets, type AuthRecords, readAuthRecords } from "./records.ts";
import { AuthStore, rootName } from "./store.ts";
import { openTokens } from "./token-options.ts";
import type { Tokens } from "./tokens.ts";

export interface AuthOptions {
  /** etcd's `--auth-token`. Default `simple`. */
  readonly token?: string | undefined;
  /** Default 5 minutes. */
  readonly simpleTokenTtlMs?: number | undefined;
  /** Of bcrypt. Default 10. */
  readonly bcryptCost?: number | undefined;
  /** Without a token, the client's certificate says who calls (`--client-cert-auth`). Default false. */
  readonly byCertificate?: boolean | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const simpleTokenTtlMs = 300_000;

/** One member's auth: the replicated users and roles, and what each member has of its own: tokens, and who a caller is. */
export class Auth {
  readonly store: AuthStore;
  readonly tokens: Tokens;
  readonly passwords: Passwords;
  readonly #byCertificate: boolean;
  readonly #applier: AuthApplier;

  private constructor(options: AuthOptions, store: AuthStore, tokens: Tokens) {
    this.store = store;
    this.tokens = tokens;
    this.passwords = new Passwords(options.bcryptCost);
    this.#byCertificate = options.byCertificate ?? false;
    this.#applier = new AuthApplier(store, tokens);
  }

  /** Rejects with a `Failure` if the options name no tokens, or keys that cannot be used. */
  static async open(options: AuthOptions, buckets: AuthBuckets): Promise<Auth> {
    const tokens = openTokens({
      spec: options.token ?? "simple",
      simpleTtlMs: options.simpleTokenTtlMs || simpleTokenTtlMs,
      clock: options.clock,
      log: options.log,
      files: nodeKeyFiles,
      draw: (limit) => randomInt(limit),
    });
    const { bcryptCost, log } = options;
    if (bcryptCost !== undefined && validCost(bcryptCost) !== bcryptCost) {
      log("warn", "use default bcrypt cost instead of the invalid given cost", { "given-cost": bcryptCost });
    }
    return new Auth(options, new AuthStore(buckets, await readAuthRecords(buckets)), tokens);
  }

  get enabled(): boolean {
    return this.store.enabled;
  }

  /** A snapshot has put another database in place. */
  restore(buckets: AuthBuckets, records: AuthRecords): void {
    this.store.restore(buckets, records);
    if (!this.enabled) this.tokens.forgetAll();
  }

  /** Who calls; undefined if nobody says so, or nobody has to: auth is not enabled. */
  callerOf(call: Credentials): Caller | "InvalidAuthToken" | undefined {
    if (!this.enabled) return undefined;
    const { revision } = this.store;
    const token = tokenOf(call);
    if (token !== undefined) return this.tokens.find(token, revision) ?? "InvalidAuthToken";
    const username = this.#byCertificate ? certifiedName(call) : undefined;
    return username === undefined ? undefined : { username, authRevision: revision };
  }

  /** The name in a client's certificate says who calls. */
  get certificatesName(): boolean {
    return this.#byCertificate && this.enabled;
  }

  /** As whom the member itself proposes what the cluster needs done; undefined if nobody has to say. */
  get self(): Caller | undefined {
    return this.enabled ? { username: rootName, authRevision: this.store.revision } : undefined;
  }

  /** Applies what is about users and roles; undefined if the entry is about something else. */
  apply(request: InternalRaftRequest, index: number): AuthOutcome | undefined {
    return this.#applier.apply(request, index);
  }

  /** Why an entry about keys or leases must not be applied. To be asked only while auth is enabled. */
  denial(request: InternalRaftRequest, leases: AttachedKeys): Denial | undefined {
    return entryDenial(this.store, callerOfEntry(request.header), leases, request);
  }
}
