import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";

/** What a service account token says (the claims of kube-apiserver's bound tokens). Times in seconds since 1970. */
export interface TokenClaims {
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly iss: string;
  readonly jti: string;
  readonly nbf: number;
  readonly sub: string;
  readonly "kubernetes.io": {
    readonly namespace: string;
    readonly serviceaccount: ObjectRef;
    readonly pod?: ObjectRef;
    readonly secret?: ObjectRef;
    readonly node?: ObjectRef;
    readonly warnafter?: number;
  };
}

interface ObjectRef {
  readonly name: string;
  readonly uid: string;
}

type Algorithm = "RS256" | "ES256";

/** Signs and checks JSON Web Tokens (RFC 7519) with one key: RSA (RS256) or P-256 (ES256). */
export class TokenSigner {
  readonly issuer: string;
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #algorithm: Algorithm;
  readonly #keyId: string;

  constructor(privateKey: KeyObject, issuer: string) {
    this.issuer = issuer;
    this.#privateKey = privateKey;
    this.#publicKey = createPublicKey(privateKey);
    this.#algorithm = privateKey.asymmetricKeyType === "ec" ? "ES256" : "RS256";
    const der = this.#publicKey.export({ type: "spki", format: "der" });
    this.#keyId = createHash("sha256").update(der).digest("base64url");
  }

  issue(claims: TokenClaims): string {
    const header = { alg: this.#algorithm, kid: this.#keyId };
    const signed = `${base64url(header)}.${base64url(claims)}`;
    const key = { key: this.#privateKey, dsaEncoding: "ieee-p1363" } as const;
    return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
  }

  /** The claims of a token of this issuer that is signed, and valid at `nowSeconds`; undefined for any other text. */
  verify(token: string, nowSeconds: number): TokenClaims | undefined {
    const [header, payload, signature, ...rest] = token.split(".");
    if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) return undefined;
    // The algorithm is ours to say, not the token's: RFC 8725 §3.1.
    if (parseJson(header)?.alg !== this.#algorithm) return undefined;
    const key = { key: this.#publicKey, dsaEncoding: "ieee-p1363" } as const;
    const valid = verify("sha256", Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, "base64url"));
    if (!valid) return undefined;
    const claims = parseJson(payload) as TokenClaims | undefined;
    if (claims === undefined || claims.iss !== this.issuer) return undefined;
    return claims.nbf <= nowSeconds && nowSeconds < claims.exp ? claims : undefined;
  }

  /** The public key as a JSON Web Key Set (/openid/v1/jwks). */
  jwks(): { readonly keys: readonly object[] } {
    const key = this.#publicKey.export({ format: "jwk" });
    return { keys: [{ use: "sig", kid: this.#keyId, alg: this.#algorithm, ...key }] };
  }
}

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

function parseJson(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // not a token: whoever sent it is not authenticated
  }
}
