import { fromUtf8, toUtf8 } from "../../base/mod.ts";
import { WireError } from "./error.ts";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Length of `text` in UTF-8. A lone surrogate counts as U+FFFD, which is what gets written. */
export function utf8Size(text: string): number {
  let size = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) size += 1;
    else {
      size += 2;
      // A pair takes four bytes for two units.
      if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(i + 1))) i++;
    }
  }
  return size;
}

/** Writes `text`, whose size is known from `utf8Size`; returns where it ends. */
export function writeUtf8(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) {
      const encoded = toUtf8(text);
      bytes.set(encoded, at);
      return at + encoded.length;
    }
    bytes[at + i] = unit;
  }
  return at + text.length;
}

/** The text of `bytes[at..end)`. Throws `WireError` for what is not UTF-8, as proto3 demands. */
export function readUtf8(bytes: Uint8Array, at: number, end: number): string {
  // Most strings here are short and ASCII: calling out to the decoder costs more than reading them does.
  if (end - at > 32) return decode(bytes, at, end);
  let text = "";
  for (let i = at; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte > 0x7f) return decode(bytes, at, end);
    text += String.fromCharCode(byte);
  }
  return text;
}

function decode(bytes: Uint8Array, at: number, end: number): string {
  const slice = bytes.subarray(at, end);
  try {
    return strict.decode(slice);
  } catch (cause) {
    const error = new WireError("InvalidUtf8", `a string is not UTF-8: ${JSON.stringify(fromUtf8(slice))}`);
    error.cause = cause;
    throw error;
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
