/** Turns an object's bytes into what the store keeps under `key`, and back. */
export interface Transformer {
  toStorage(plain: Uint8Array, key: string): Uint8Array;
  /** Throws a TransformError when nothing it knows can read them. `stale`: today they would be written differently. */
  fromStorage(stored: Uint8Array, key: string): { readonly plain: Uint8Array; readonly stale: boolean };
}

/** Bytes of the store that no configured key can read. */
export class TransformError extends Error {
  override readonly name = "TransformError";
}

/** One cipher with one key. `key`, the place in the store, may be part of what is authenticated. */
export interface Cipher {
  seal(plain: Uint8Array, key: string): Uint8Array;
  /** Throws when the bytes were not sealed with this key, for this place. */
  open(sealed: Uint8Array, key: string): Uint8Array;
}

/** What everything encrypted begins with; JSON never does. */
const ENCRYPTED = Buffer.from("k8s:enc:");

/** Writes as it reads. It refuses to show ciphertext as if it were an object. */
export const identity: Transformer = {
  toStorage: (plain) => plain,
  fromStorage(stored) {
    if (startsWith(stored, ENCRYPTED)) throw new TransformError("identity transformer tried to read encrypted data");
    return { plain: stored, stale: false };
  },
};

export interface Sealed {
  /** Such as `k8s:enc:aesgcm:v1:key1:`, before the ciphertext. */
  readonly prefix: string;
  readonly cipher: Cipher;
}

/**
 * Writes with the first of `ways` and reads with the one whose prefix the bytes have: put a new key first, rewrite what is
 * there, then take the old one away.
 */
export class PrefixTransformer implements Transformer {
  readonly #ways: readonly { readonly prefix: Buffer; readonly cipher: Cipher | undefined }[];

  /** "identity": unencrypted. */
  constructor(ways: readonly (Sealed | "identity")[]) {
    this.#ways = ways.map((way) =>
      way === "identity"
        ? { prefix: Buffer.alloc(0), cipher: undefined }
        : { prefix: Buffer.from(way.prefix), cipher: way.cipher },
    );
  }

  toStorage(plain: Uint8Array, key: string): Uint8Array {
    const first = this.#ways[0];
    return first?.cipher === undefined ? plain : Buffer.concat([first.prefix, first.cipher.seal(plain, key)]);
  }

  fromStorage(stored: Uint8Array, key: string) {
    const at = this.#ways.findIndex(({ prefix, cipher }) => cipher !== undefined && startsWith(stored, prefix));
    const way = this.#ways[at];
    if (way?.cipher !== undefined) {
      const plain = way.cipher.open(stored.subarray(way.prefix.length), key);
      return { plain, stale: at > 0 };
    }
    const plainAt = this.#ways.findIndex(({ cipher }) => cipher === undefined);
    if (plainAt < 0) throw new TransformError("no matching prefix found");
    return { plain: identity.fromStorage(stored, key).plain, stale: plainAt > 0 };
  }
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, index) => bytes[index] === byte);
}
