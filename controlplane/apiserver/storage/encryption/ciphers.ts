import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { type Cipher, TransformError } from "./transformer.ts";

/** AES-GCM (NIST SP 800-38D): nonce (12), ciphertext, tag (16). A value copied to another key of the store does not open. */
export function aesGcm(secret: Uint8Array): Cipher {
  const name = `aes-${(secret.length * 8) as 128 | 192 | 256}-gcm` as const;
  return {
    seal(plain, key) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv(name, secret, nonce).setAAD(Buffer.from(key));
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, key) {
      if (sealed.length < 28) throw new TransformError("the stored data was shorter than the required size");
      const decipher = createDecipheriv(name, secret, sealed.subarray(0, 12)).setAAD(Buffer.from(key));
      decipher.setAuthTag(sealed.subarray(-16));
      return opened("cipher: message authentication failed", () =>
        Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]),
      );
    },
  };
}

/** AES-CBC with PKCS #7: initialization vector (16), ciphertext. It hides, and does not notice changes. */
export function aesCbc(secret: Uint8Array): Cipher {
  const name = `aes-${secret.length * 8}-cbc`;
  return {
    seal(plain) {
      const vector = randomBytes(16);
      const cipher = createCipheriv(name, secret, vector);
      return Buffer.concat([vector, cipher.update(plain), cipher.final()]);
    },
    open(sealed) {
      if (sealed.length < 32) throw new TransformError("the stored data was shorter than the required size");
      const decipher = createDecipheriv(name, secret, sealed.subarray(0, 16));
      return opened("invalid padding on input", () =>
        Buffer.concat([decipher.update(sealed.subarray(16)), decipher.final()]),
      );
    },
  };
}

/** NaCl's secretbox, XSalsa20 and Poly1305: nonce (24), tag and ciphertext. */
export function secretbox(secret: Uint8Array): Cipher {
  return {
    seal(plain) {
      const nonce = randomBytes(24);
      return Buffer.concat([nonce, xsalsa20poly1305(secret, nonce).encrypt(plain)]);
    },
    open(sealed) {
      if (sealed.length < 40) throw new TransformError("the stored data was shorter than the required size");
      return opened("output array was not large enough for encryption", () =>
        xsalsa20poly1305(secret, sealed.subarray(0, 24)).decrypt(sealed.subarray(24)),
      );
    },
  };
}

function opened(why: string, open: () => Uint8Array): Uint8Array {
  try {
    return open();
  } catch (error) {
    throw new TransformError(why, { cause: error });
  }
}
