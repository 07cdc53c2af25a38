import { readUint32, writeUint32 } from "../http2/output.ts";
import { Status } from "../status.ts";
import { RpcError } from "./error.ts";

/** Before each message: a byte that says whether it is compressed, and its length in four. */
export const prefixBytes = 5;

/** The length of the message whose prefix is at `at`. Texts are those of grpc-go, which clients look for. */
export function readPrefix(bytes: Uint8Array, at: number, maxBytes: number): number {
  const length = readUint32(bytes, at + 1);
  if (bytes[at] !== 0) throw new RpcError(Status.Unimplemented, "grpc: compressed messages are not supported");
  if (length > maxBytes) {
    throw new RpcError(Status.ResourceExhausted, `grpc: received message larger than max (${length} vs. ${maxBytes})`);
  }
  return length;
}

export function writePrefix(bytes: Uint8Array, at: number, length: number): void {
  bytes[at] = 0;
  writeUint32(bytes, at + 1, length);
}
