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

interface VerificationKey {
  readonly id: string;
  readonly algorithm: Algorithm;
  readonly key: KeyObject;
}

/** Signs JSON Web Tokens (RFC 7519) with one key, RSA (RS256) or P-256 (ES256), and checks those of that key and older ones. */
export class TokenSigner {
  readonly issuer: string;
  readonly #privateKey: KeyObject;
  /** The signing key first. */
  readonly #keys: readonly [VerificationKey, ...VerificationKey[]];

  /** `retired`: keys, public or private, whose tokens are still accepted. */
  constructor(privateKey: KeyObject, issuer: string, retired: readonly KeyObject[] = []) {
    this.issuer = issuer;
    this.#privateKey = privateKey;
    const own = verificationKey(privateKey);
    this.#keys = [own, ...retired.map(verificationKey).filter(({ id }) => id !== own.id)];
  }

  /** What tokens may be signed with. */
  get algorithms(): readonly string[] {
    return [...new Set(this.#keys.map(({ algorithm }) => algorithm))];
  }

  issue(claims: TokenClaims): string {
    const { id, algorithm } = this.#keys[0];
    const signed = `${base64url({ alg: algorithm, kid: id })}.${base64url(claims)}`;
    const key = { key: this.#privateKey, dsaEncoding: "ieee-p1363" } as const;
    return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
  }

  /** The claims of a token of this issuer that is signed, and valid at `nowSeconds`; undefined for any other text. */
  verify(token: string, nowSeconds: number): TokenClaims | undefined {
    const claims = this.open(token) as TokenClaims | undefined;
    if (claims === undefined || claims.iss !== this.issuer) return undefined;
    return claims.nbf <= nowSeconds && nowSeconds < claims.exp ? claims : undefined;
  }

  /** What a token says that one of the keys has signed, whoever it says it is from. */
  open(token: string): Record<string, unknown> | undefined {
    const [header, payload, signature, ...rest] = token.split(".");
    if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) return undefined;
    const { alg, kid } = parseJson(header) ?? {};
    const text = Buffer.from(`${header}.${payload}`);
    const bytes = Buffer.from(signature, "base64url");
    // The algorithm is the key's to say, not the token's: RFC 8725 §3.1.
    const signed = this.#keys.some(
      ({ id, algorithm, key }) =>
        alg === algorithm &&
        (kid === undefined || kid === id) &&
        verify("sha256", text, { key, dsaEncoding: "ieee-p1363" }, bytes),
    );
    return signed ? parseJson(payload) : undefined;
  }

  /** The public keys as a JSON Web Key Set (/openid/v1/jwks). */
  jwks(): { readonly keys: readonly object[] } {
    const keys = this.#keys.map(({ id, algorithm, key }) => ({
      use: "sig",
      kid: id,
      alg: algorithm,
      ...key.export({ format: "jwk" }),
    }));
    return { keys };
  }
}

function verificationKey(given: KeyObject): VerificationKey {
  const key = given.type === "private" ? createPublicKey(given) : given;
  const der = key.export({ type: "spki", format: "der" });
  const id = createHash("sha256").update(der).digest("base64url");
  return { id, algorithm: key.asymmetricKeyType === "ec" ? "ES256" : "RS256", key };
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
