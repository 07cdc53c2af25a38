import { ProtobufError, Reader } from "./reader.ts";

export const protobufMediaType = "application/vnd.kubernetes.protobuf";

/** `k8s` and a zero: every object in protobuf starts so. */
const magic = [0x6b, 0x38, 0x73, 0x00];

/** runtime.Unknown: an object together with what says how to read it. */
export interface Envelope {
  /** "" when the client left it to the path. */
  readonly apiVersion: string;
  readonly kind: string;
  /** The object's bytes: a view of the input. */
  readonly raw: Uint8Array;
  /** "" is protobuf. */
  readonly contentType: string;
}

/** Throws ProtobufError. */
export function openEnvelope(bytes: Uint8Array): Envelope {
  if (!magic.every((byte, index) => bytes[index] === byte)) {
    throw new ProtobufError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  }
  const reader = new Reader(bytes.subarray(magic.length));
  let typeMeta = { apiVersion: "", kind: "" };
  let raw: Uint8Array = new Uint8Array();
  let contentType = "";
  while (!reader.done) {
    const { number, wireType } = reader.tag();
    if (number === 1) typeMeta = readTypeMeta(new Reader(reader.bytes()));
    else if (number === 2) raw = reader.bytes();
    else if (number === 4) contentType = reader.string();
    else reader.skip(wireType);
  }
  return { ...typeMeta, raw, contentType };
}

function readTypeMeta(reader: Reader): { apiVersion: string; kind: string } {
  const typeMeta = { apiVersion: "", kind: "" };
  while (!reader.done) {
    const { number, wireType } = reader.tag();
    if (number === 1) typeMeta.apiVersion = reader.string();
    else if (number === 2) typeMeta.kind = reader.string();
    else reader.skip(wireType);
  }
  return typeMeta;
}
