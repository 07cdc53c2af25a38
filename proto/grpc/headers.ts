import { fromUtf8, toUtf8 } from "../../base/mod.ts";
import type { HeaderBlock } from "../http2/hpack/block.ts";
import type { OutgoingHeader } from "../http2/hpack/encoder.ts";
import { Status } from "../status.ts";

export const responseHeaders: readonly OutgoingHeader[] = [
  { name: ":status", value: "200" },
  { name: "content-type", value: "application/grpc" },
];

export const okTrailers: readonly OutgoingHeader[] = [{ name: "grpc-status", value: "0" }];

export function errorTrailers(code: Status, message: string): OutgoingHeader[] {
  const status = { name: "grpc-status", value: String(code) };
  return message === ""
    ? [status]
    : [status, { name: "grpc-message", value: encodeStatusMessage(message), varies: true }];
}

/** The outcome that trailers (or a head without a body) tell; undefined if they tell none. */
export function readStatus(block: HeaderBlock): { readonly code: number; readonly message: string } | undefined {
  const status = block.get("grpc-status");
  if (status === undefined) return undefined;
  const code = /^\d{1,3}$/.test(status) ? Number(status) : Status.Unknown;
  return { code, message: decodeStatusMessage(block.get("grpc-message") ?? "") };
}

/** Percent-encodes the UTF-8 of all but printable ASCII, and the percent sign. */
export function encodeStatusMessage(message: string): string {
  if (/^[\x20-\x24\x26-\x7e]*$/.test(message)) return message;
  let text = "";
  for (const byte of toUtf8(message)) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    text += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return text;
}

/** What is not well encoded stays as it stands. */
export function decodeStatusMessage(text: string): string {
  if (!text.includes("%")) return text;
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const hex = text.slice(i + 1, i + 3);
    if (text[i] === "%" && /^[0-9a-fA-F]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      i += 2;
    } else bytes.push(text.charCodeAt(i));
  }
  return fromUtf8(new Uint8Array(bytes));
}

/** For answers that are HTTP's and not gRPC's, such as a proxy's: the code that the gRPC specification maps them to. */
export function statusOfHttp(status: string | undefined): Status {
  switch (status) {
    case "400":
      return Status.Internal;
    case "401":
      return Status.Unauthenticated;
    case "403":
      return Status.PermissionDenied;
    case "404":
      return Status.Unimplemented;
    case "429":
    case "502":
    case "503":
    case "504":
      return Status.Unavailable;
    default:
      return Status.Unknown;
  }
}
