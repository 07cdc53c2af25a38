/** Offsets of the times to live in a response, and the least of them in seconds. The OPT record has none. */
interface TimesToLive {
  readonly offsets: readonly number[];
  readonly least: number;
}

const optType = 41;

/** The offset after the name that begins at `at`. */
function skipName(bytes: Buffer, at: number): number {
  for (;;) {
    const length = bytes.readUInt8(at);
    if ((length & 0xc0) === 0xc0) return at + 2; // A pointer ends a name (RFC 1035 §4.1.4).
    if (length === 0) return at + 1;
    at += length + 1;
  }
}

/** Throws RangeError when the bytes end before the records do. */
function timesToLive(bytes: Buffer): TimesToLive {
  let at = 12;
  for (let left = bytes.readUInt16BE(4); left > 0; left--) at = skipName(bytes, at) + 4;
  const offsets: number[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (let left = bytes.readUInt16BE(6) + bytes.readUInt16BE(8) + bytes.readUInt16BE(10); left > 0; left--) {
    at = skipName(bytes, at);
    if (bytes.readUInt16BE(at) !== optType) {
      offsets.push(at + 4);
      least = Math.min(least, bytes.readUInt32BE(at + 4));
    }
    at += 10 + bytes.readUInt16BE(at + 8);
  }
  return { offsets, least };
}

/** A response that was received at `receivedMs`, good until `expiresMs`. */
export interface CachedResponse {
  readonly bytes: Buffer;
  readonly offsets: readonly number[];
  readonly receivedMs: number;
  readonly expiresMs: number;
}

const truncatedBit = 0x0200;

/** Undefined for a response that may not be kept: a failure, a part, one without records. */
export function cacheable(bytes: Buffer, nowMs: number, longestMs: number): CachedResponse | undefined {
  const flags = bytes.readUInt16BE(2);
  const rcode = flags & 0x0f;
  if ((flags & truncatedBit) !== 0 || (rcode !== 0 && rcode !== 3)) return undefined;
  try {
    const { offsets, least } = timesToLive(bytes);
    if (offsets.length === 0 || least === 0) return undefined;
    return { bytes, offsets, receivedMs: nowMs, expiresMs: nowMs + Math.min(longestMs, least * 1000) };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The response as it is to be given now: under the asker's id, its times to live as much shorter as it has been kept. */
export function aged({ bytes, offsets, receivedMs }: CachedResponse, id: number, nowMs: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt16BE(id, 0);
  const seconds = Math.floor((nowMs - receivedMs) / 1000);
  for (const offset of offsets) copy.writeUInt32BE(Math.max(0, copy.readUInt32BE(offset) - seconds), offset);
  return copy;
}
