import { concatBytes } from "../../base/mod.ts";
import { controlTypes, SpdyError, type SpdyFrame, type SpdySetting, spdyVersion } from "./frame.ts";

const headerBytes = 8;
const typeNames = new Map<number, keyof typeof controlTypes>(
  Object.entries(controlTypes).map(([name, type]) => [type, name as keyof typeof controlTypes]),
);

/** Cuts a byte stream, in whatever chunks it comes, into frames. Data and blocks are views of the chunks where they lie in one. */
export class SpdyFrameReader {
  readonly #maxFrameBytes: number;
  #chunks: Uint8Array[] = [];
  #have = 0;
  /** Bytes needed before it is worth looking again. */
  #need = headerBytes;

  constructor(maxFrameBytes = 1 << 24) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Frames that are complete now. Throws SpdyError for a frame that is too large or malformed. */
  *push(chunk: Uint8Array): Generator<SpdyFrame> {
    this.#chunks.push(chunk);
    this.#have += chunk.length;
    if (this.#have < this.#need) return;
    let bytes = this.#chunks.length === 1 ? chunk : concatBytes(this.#chunks);
    this.#need = headerBytes;
    while (bytes.length >= headerBytes) {
      const end = headerBytes + lengthOf(bytes);
      if (end > this.#maxFrameBytes) throw new SpdyError(`a frame of ${end} bytes`);
      if (bytes.length < end) {
        this.#need = end;
        break;
      }
      const frame = parse(bytes.subarray(0, end));
      bytes = bytes.subarray(end);
      if (frame !== undefined) yield frame;
    }
    this.#chunks = bytes.length === 0 ? [] : [bytes];
    this.#have = bytes.length;
  }
}

function lengthOf(bytes: Uint8Array): number {
  return word(bytes, 4) & 0xff_ffff;
}

function word(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at);
}

/** Undefined: a control frame of a type that is unknown, which is to be ignored (§2.2.1). */
function parse(bytes: Uint8Array): SpdyFrame | undefined {
  const first = word(bytes, 0);
  const flags = bytes[4] as number;
  const fin = (flags & 1) !== 0;
  const payload = bytes.subarray(headerBytes);
  if (first < 0x8000_0000) return { type: "DATA", streamId: streamIdOf(first), fin, data: payload };
  const version = (first >>> 16) & 0x7fff;
  if (version !== spdyVersion) throw new SpdyError(`version ${version} of SPDY`);
  const type = typeNames.get(first & 0xffff);
  if (type === undefined) return undefined;
  const wanted = leastPayload[type];
  if (payload.length < wanted.bytes || (wanted.exact && payload.length !== wanted.bytes)) {
    throw new SpdyError(`a ${type} frame of ${payload.length} bytes`);
  }
  switch (type) {
    case "SYN_STREAM":
      return {
        type,
        streamId: streamIdOf(word(payload, 0)),
        associatedTo: word(payload, 4) & 0x7fff_ffff,
        priority: (payload[8] as number) >>> 5,
        fin,
        unidirectional: (flags & 2) !== 0,
        block: payload.subarray(10),
      };
    case "SYN_REPLY":
    case "HEADERS":
      return { type, streamId: streamIdOf(word(payload, 0)), fin, block: payload.subarray(4) };
    case "RST_STREAM":
      return { type, streamId: streamIdOf(word(payload, 0)), status: word(payload, 4) };
    case "SETTINGS":
      return { type, settings: settingsOf(payload) };
    case "PING":
      return { type, id: word(payload, 0) };
    case "GOAWAY":
      return { type, lastGoodStreamId: word(payload, 0) & 0x7fff_ffff, status: word(payload, 4) };
    case "WINDOW_UPDATE":
      return { type, streamId: word(payload, 0) & 0x7fff_ffff, delta: word(payload, 4) & 0x7fff_ffff };
  }
}

const leastPayload = {
  SYN_STREAM: { bytes: 10, exact: false },
  SYN_REPLY: { bytes: 4, exact: false },
  HEADERS: { bytes: 4, exact: false },
  RST_STREAM: { bytes: 8, exact: true },
  SETTINGS: { bytes: 4, exact: false },
  PING: { bytes: 4, exact: true },
  GOAWAY: { bytes: 8, exact: true },
  WINDOW_UPDATE: { bytes: 8, exact: true },
} as const satisfies Record<keyof typeof controlTypes, { bytes: number; exact: boolean }>;

function streamIdOf(value: number): number {
  const id = value & 0x7fff_ffff;
  if (id === 0) throw new SpdyError("a frame of stream 0");
  return id;
}

function settingsOf(payload: Uint8Array): SpdySetting[] {
  const count = word(payload, 0);
  if (payload.length !== 4 + 8 * count) throw new SpdyError(`${count} settings in ${payload.length} bytes`);
  return Array.from({ length: count }, (_, i) => {
    const flagsAndId = word(payload, 4 + 8 * i);
    return { flags: flagsAndId >>> 24, id: flagsAndId & 0xff_ffff, value: word(payload, 8 + 8 * i) };
  });
}
