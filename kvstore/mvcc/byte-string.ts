// Keys are kept as strings with one character per byte. V8 stores such a string as its bytes plus a
// 16-byte head on the garbage-collected heap, compares two of them with `<` in 10 ns (a loop over Uint8Arrays takes
// 40, Buffer.compare 140) and hashes them for a Map; a Uint8Array of the same bytes costs two objects, an off-heap
// allocation and about 250 bytes more. Order of such strings is the order of their bytes.

/** Bytes as a string: every character is below U+0100. */
export type ByteString = string;

// What Buffer's `toString` and `write` come down to for this encoding. Called directly they take any Uint8Array.
interface Latin1 {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
  latin1Write(this: Uint8Array, text: string, at: number, length: number): number;
}
const { latin1Slice, latin1Write } = Buffer.prototype as unknown as Latin1;

export function toByteString(bytes: Uint8Array): ByteString {
  return latin1Slice.call(bytes, 0, bytes.length);
}

/** The characters of `bytes[start..end)`. */
export function sliceToByteString(bytes: Uint8Array, start: number, end: number): ByteString {
  return latin1Slice.call(bytes, start, end);
}

export function fromByteString(text: ByteString): Uint8Array {
  return Buffer.from(text, "latin1");
}

/** Copies `text` to `bytes[at...]`. */
export function writeByteString(bytes: Uint8Array, at: number, text: ByteString): void {
  latin1Write.call(bytes, text, at, text.length);
}
