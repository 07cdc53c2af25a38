import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  sign,
  timingSafeEqual,
  verify,
} from "node:crypto";

/** One way to sign (RFC 7518 §3, RFC 8037). */
export interface Algorithm {
  readonly name: string;
  /** The same secret signs and verifies: there is no public half. */
  readonly isSymmetric: boolean;
  /** Whether a key is of this algorithm's kind. */
  fits(key: KeyObject): boolean;
  sign(data: Buffer, key: KeyObject): Buffer;
  verify(data: Buffer, key: KeyObject, signature: Buffer): boolean;
}

function rsa(name: string, bits: number): Algorithm {
  const hash = `sha${bits}`;
  const padding = constants.RSA_PKCS1_PADDING;
  return {
    name,
    isSymmetric: false,
    fits: (key) => key.asymmetricKeyType === "rsa",
    sign: (data, key) => sign(hash, data, { key, padding }),
    verify: (data, key, signature) => verify(hash, data, { key, padding }, signature),
  };
}

/** Salts as long as the hash are made, and any that the signature itself tells are taken, as in Go. */
function rsaPss(name: string, bits: number): Algorithm {
  const hash = `sha${bits}`;
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const made = { padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  const taken = { padding, saltLength: constants.RSA_PSS_SALTLEN_AUTO };
  return {
    name,
    isSymmetric: false,
    fits: (key) => key.asymmetricKeyType === "rsa" || key.asymmetricKeyType === "rsa-pss",
    sign: (data, key) => sign(hash, data, { key, ...made }),
    verify: (data, key, signature) => verify(hash, data, { key, ...taken }, signature),
  };
}

/** Signatures are both numbers side by side, not ASN.1. */
function ecdsa(name: string, bits: number, namedCurve: string): Algorithm {
  const hash = `sha${bits}`;
  const dsaEncoding = "ieee-p1363";
  return {
    name,
    isSymmetric: false,
    fits: (key) => key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === namedCurve,
    sign: (data, key) => sign(hash, data, { key, dsaEncoding }),
    verify: (data, key, signature) => verify(hash, data, { key, dsaEncoding }, signature),
  };
}

function hmac(name: string, bits: number): Algorithm {
  const digest = (data: Buffer, key: KeyObject) => createHmac(`sha${bits}`, key).update(data).digest();
  return {
    name,
    isSymmetric: true,
    fits: (key) => key.type === "secret",
    sign: digest,
    verify(data, key, signature) {
      const expected = digest(data, key);
      return expected.length === signature.length && timingSafeEqual(expected, signature);
    },
  };
}

const edDsa: Algorithm = {
  name: "EdDSA",
  isSymmetric: false,
  fits: (key) => key.asymmetricKeyType === "ed25519",
  sign: (data, key) => sign(null, data, key),
  verify: (data, key, signature) => verify(null, data, key, signature),
};

const all: readonly Algorithm[] = [
  rsa("RS256", 256),
  rsa("RS384", 384),
  rsa("RS512", 512),
  rsaPss("PS256", 256),
  rsaPss("PS384", 384),
  rsaPss("PS512", 512),
  ecdsa("ES256", 256, "prime256v1"),
  ecdsa("ES384", 384, "secp384r1"),
  ecdsa("ES512", 512, "secp521r1"),
  hmac("HS256", 256),
  hmac("HS384", 384),
  hmac("HS512", 512),
  edDsa,
];

export const algorithms: ReadonlyMap<string, Algorithm> = new Map(all.map((one) => [one.name, one]));

/** What signs and what verifies. Without the first, tokens are made elsewhere. */
export interface JwtKeys {
  readonly signing: KeyObject | undefined;
  readonly verifying: KeyObject;
}

/** Makes keys of the files' bytes: PEM, or, for the symmetric algorithms, the secret as it is. Throws, saying why not. */
export function readKeys(
  algorithm: Algorithm,
  privateBytes: Uint8Array | undefined,
  publicBytes: Uint8Array | undefined,
): JwtKeys {
  if (algorithm.isSymmetric) {
    if (privateBytes === undefined || privateBytes.length === 0) throw new Error("priv-key names no secret");
    const secret = createSecretKey(Buffer.from(privateBytes));
    return { signing: secret, verifying: secret };
  }
  const signing = privateBytes === undefined ? undefined : createPrivateKey(Buffer.from(privateBytes));
  const given = publicBytes === undefined ? undefined : createPublicKey(Buffer.from(publicBytes));
  const derived = signing === undefined ? undefined : createPublicKey(signing);
  const verifying = derived ?? given;
  if (verifying === undefined) throw new Error("neither pub-key nor priv-key is given");
  if (!algorithm.fits(verifying)) throw new Error(`the key is none for ${algorithm.name}`);
  if (derived !== undefined && given !== undefined && !derived.equals(given)) {
    throw new Error("public and private key do not belong together");
  }
  return { signing, verifying };
}
