import type { Connection } from "../http2/connection.ts";
import type { Stream } from "../http2/stream.ts";
import type { Init, MessageSchema } from "../wire/message.ts";
import { prefixBytes, writePrefix } from "./prefix.ts";

/**
 * Sends one message that is encoded in pieces, some of which others send too: what follows the first few bytes of a large one is
 * queued as it is, not copied. The pieces must not change. False as `sendMessage`.
 */
export function sendPieces(
  connection: Connection<unknown>,
  stream: Stream<unknown>,
  pieces: readonly Uint8Array[],
): boolean {
  let size = 0;
  for (const piece of pieces) size += piece.length;
  let at = connection.reserveData(stream, prefixBytes + size, false);
  if (at < 0) {
    const prefix = new Uint8Array(prefixBytes);
    writePrefix(prefix, 0, size);
    let roomy = connection.sendData(stream, prefix);
    for (const piece of pieces) roomy = connection.sendData(stream, piece);
    return roomy;
  }
  const { bytes } = connection.output;
  writePrefix(bytes, at, size);
  at += prefixBytes;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return true;
}

/**
 * Sends one message, whose `size` was just computed by `schema.size`. If it can leave at once, it is written straight into the
 * connection's output; if not, it is encoded and queued. False if too much is queued.
 */
export function sendMessage<T>(
  connection: Connection<unknown>,
  stream: Stream<unknown>,
  schema: MessageSchema<T>,
  message: Init<T>,
  size: number,
  endStream: boolean,
): boolean {
  const at = connection.reserveData(stream, prefixBytes + size, endStream);
  if (at >= 0) {
    const { bytes } = connection.output;
    writePrefix(bytes, at, size);
    schema.write(message, bytes, at + prefixBytes);
    return true;
  }
  const bytes = new Uint8Array(prefixBytes + size);
  writePrefix(bytes, 0, size);
  schema.write(message, bytes, prefixBytes);
  const roomy = connection.sendData(stream, bytes);
  if (endStream) connection.end(stream);
  return roomy;
}
