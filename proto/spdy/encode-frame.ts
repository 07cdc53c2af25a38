import { controlTypes, type SpdyFrame, spdyVersion } from "./frame.ts";

const flagFin = 1;
const flagUnidirectional = 2;

/** The bytes of a frame. */
export function encodeFrame(frame: SpdyFrame): Uint8Array {
  if (frame.type === "DATA") return frameOf(frame.streamId, flagsOf(frame), frame.data);
  return frameOf(0x8000_0000 + (spdyVersion << 16) + controlTypes[frame.type], flagsOf(frame), payloadOf(frame));
}

function frameOf(firstWord: number, flags: number, payload: Uint8Array): Uint8Array {
  return words([firstWord, flags * 0x100_0000 + payload.length], payload);
}

function flagsOf(frame: SpdyFrame): number {
  const fin = "fin" in frame && frame.fin ? flagFin : 0;
  return frame.type === "SYN_STREAM" && frame.unidirectional ? fin | flagUnidirectional : fin;
}

function payloadOf(frame: Exclude<SpdyFrame, { type: "DATA" }>): Uint8Array {
  switch (frame.type) {
    case "SYN_STREAM":
      return words([frame.streamId, frame.associatedTo], Uint8Array.of(frame.priority << 5, 0), frame.block);
    case "SYN_REPLY":
    case "HEADERS":
      return words([frame.streamId], frame.block);
    case "RST_STREAM":
      return words([frame.streamId, frame.status]);
    case "SETTINGS":
      return words([
        frame.settings.length,
        ...frame.settings.flatMap(({ id, flags, value }) => [flags * 0x100_0000 + id, value]),
      ]);
    case "PING":
      return words([frame.id]);
    case "GOAWAY":
      return words([frame.lastGoodStreamId, frame.status]);
    case "WINDOW_UPDATE":
      return words([frame.streamId, frame.delta]);
  }
}

/** 32-bit words, then whatever follows. */
function words(numbers: readonly number[], ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 4 * numbers.length);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  for (const [i, number] of numbers.entries()) view.setUint32(4 * i, number);
  let at = 4 * numbers.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
