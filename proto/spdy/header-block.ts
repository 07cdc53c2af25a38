import { concatBytes, fromUtf8, toUtf8 } from "../../base/mod.ts";
import { SpdyError, type SpdyHeader } from "./frame.ts";

/** Names and values before compression. Names are written in lower case, as the protocol demands; values of one name are joined by NUL. */
export function encodeHeaders(headers: readonly SpdyHeader[]): Uint8Array {
  const joined = new Map<string, string>();
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    const before = joined.get(lower);
    joined.set(lower, before === undefined ? value : `${before}\0${value}`);
  }
  const parts = [uint32(joined.size)];
  for (const text of [...joined].flat()) {
    const bytes = toUtf8(text);
    parts.push(uint32(bytes.length), bytes);
  }
  return concatBytes(parts);
}

/** Throws SpdyError when the block is not what it says. */
export function decodeHeaders(bytes: Uint8Array): SpdyHeader[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const number = () => {
    if (at + 4 > bytes.length) throw new SpdyError("a header block that ends too early");
    at += 4;
    return view.getUint32(at - 4);
  };
  const text = () => {
    const length = number();
    if (length > bytes.length - at) throw new SpdyError("a header block that ends too early");
    at += length;
    return fromUtf8(bytes.subarray(at - length, at));
  };
  const headers: SpdyHeader[] = [];
  for (let left = number(); left > 0; left--) {
    const name = text();
    for (const value of text().split("\0")) headers.push([name, value]);
  }
  return headers;
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
