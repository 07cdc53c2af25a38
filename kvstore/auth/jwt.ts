import { type Clock, type Log, toUtf8 } from "../../base/mod.ts";
import type { Caller } from "./caller.ts";
import type { Algorithm, JwtKeys } from "./jwt-algorithms.ts";
import type { Tokens } from "./tokens.ts";

export interface JwtTokensOptions {
  readonly algorithm: Algorithm;
  readonly keys: { readonly keys: JwtKeys };
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** What was verified, and from when until when it holds, in seconds since 1970. */
interface Verified {
  readonly caller: Caller;
  readonly fromSeconds: number;
  readonly untilSeconds: number;
}

/** A signature is not verified again for each request of a client. */
const rememberedTokens = 1000;

/**
 * Signed tokens (RFC 7519) with etcd's claims: user name, and the auth revision of the login (etcd's server/auth/jwt.go). No
 * member keeps them. After any change of users and roles they are old, and their holders log in again.
 */
export class JwtTokens implements Tokens {
  readonly #options: JwtTokensOptions;
  /** By token, the one verified longest ago first. Only of the present keys. */
  readonly #verified = new Map<string, Verified>();
  #verifiedWith: JwtKeys | undefined;

  constructor(options: JwtTokensOptions) {
    this.#options = options;
  }

  drawPrefix(): string {
    return "";
  }

  assign(): void {
    // The token itself says all there is to know.
  }

  issue({ username, authRevision }: Caller): string | "VerifyOnlyKey" {
    const { algorithm, keys, ttlMs, clock } = this.#options;
    const { signing } = keys.keys;
    if (signing === undefined) return "VerifyOnlyKey";
    const exp = Math.floor((clock.now() + ttlMs) / 1000);
    const head = encodePart({ alg: algorithm.name, typ: "JWT" });
    const signed = `${head}.${encodePart({ exp, revision: authRevision, username })}`;
    return `${signed}.${algorithm.sign(Buffer.from(signed), signing).toString("base64url")}`;
  }

  madeAt(): number {
    return 0;
  }

  find(token: string): Caller | undefined {
    const { keys, clock } = this.#options;
    const present = keys.keys;
    if (present !== this.#verifiedWith) this.#verified.clear();
    this.#verifiedWith = present;
    const verified = this.#verified.get(token) ?? this.#verify(token, present);
    const nowSeconds = clock.now() / 1000;
    if (verified === undefined || nowSeconds < verified.fromSeconds || nowSeconds >= verified.untilSeconds) {
      return undefined;
    }
    return verified.caller;
  }

  forgetUser(): void {
    // Its tokens are of an older revision now.
  }

  forgetAll(): void {
    // Nothing is kept.
  }

  #verify(token: string, { verifying }: JwtKeys): Verified | undefined {
    const { algorithm, log } = this.#options;
    const parts = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(token);
    if (parts === null) return undefined;
    const [, head = "", claims = "", signature = ""] = parts;
    if (decodePart(head)?.alg !== algorithm.name) return undefined;
    const signed = Buffer.from(toUtf8(`${head}.${claims}`));
    if (!algorithm.verify(signed, verifying, Buffer.from(signature, "base64url"))) return undefined;
    const verified = readClaims(decodePart(claims));
    if (verified === undefined) {
      log("warn", "a token is signed well and lacks username or revision");
      return undefined;
    }
    this.#verified.set(token, verified);
    if (this.#verified.size > rememberedTokens) this.#verified.delete(this.#verified.keys().next().value as string);
    return verified;
  }
}

function readClaims(claims: Record<string, unknown> | undefined): Verified | undefined {
  const { username, revision, exp = Number.POSITIVE_INFINITY, nbf = 0 } = claims ?? {};
  if (typeof username !== "string" || typeof revision !== "number") return undefined;
  if (typeof exp !== "number" || typeof nbf !== "number") return undefined;
  return { caller: { username, authRevision: Math.trunc(revision) }, fromSeconds: nbf, untilSeconds: exp };
}

function encodePart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decodePart(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // what is no JSON is no token
  }
}
