import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { type HeaderCompression, headerDictionary, SpdyError } from "../proto/mod.ts";

/** How far back a block may refer into the blocks before it. */
const windowBytes = 32 * 1024;
/** Of one block of headers: the peer's bytes may not become a thousand times as many here. */
const maxBlockBytes = 256 * 1024;
/** CMF and FLG with FDICT set, then the Adler-32 of the dictionary. */
const zlibHeader = Buffer.from("78bbe3c6a7c2", "hex");

/**
 * zlib over blocks that are flushed one by one. Each flush ends on a byte's border, so a block can be packed and unpacked for itself when
 * the output before it is given as its dictionary: node:zlib's synchronous functions suffice, and frames need not wait for each other.
 */
export function createHeaderCompression(): HeaderCompression {
  let [sent, received]: [Buffer, Buffer] = [Buffer.from(headerDictionary), Buffer.from(headerDictionary)];
  let [isFirstSent, isFirstReceived] = [true, true];
  return {
    deflate(block) {
      const packed = deflateRawSync(block, { dictionary: sent, finishFlush: constants.Z_SYNC_FLUSH });
      sent = last(Buffer.concat([sent, block]));
      if (!isFirstSent) return packed;
      isFirstSent = false;
      return Buffer.concat([zlibHeader, packed]);
    },
    inflate(block) {
      const skip = isFirstReceived ? headerLength(block) : 0;
      isFirstReceived = false;
      let text: Buffer;
      try {
        text = inflateRawSync(block.subarray(skip), {
          dictionary: received,
          finishFlush: constants.Z_SYNC_FLUSH,
          maxOutputLength: maxBlockBytes,
        });
      } catch (error) {
        throw new SpdyError(`headers cannot be unpacked: ${(error as Error).message}`, { cause: error });
      }
      received = last(Buffer.concat([received, text]));
      return text;
    },
  };
}

function last(bytes: Buffer): Buffer {
  return bytes.subarray(Math.max(0, bytes.length - windowBytes));
}

function headerLength(block: Uint8Array): number {
  const [method = 0, flags = 0] = block;
  if ((method & 0x0f) !== 8 || (method * 256 + flags) % 31 !== 0)
    throw new SpdyError("headers are not in zlib's format");
  return (flags & 0x20) === 0 ? 2 : 6;
}
