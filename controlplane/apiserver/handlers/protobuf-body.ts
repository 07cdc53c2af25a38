import { decodeProtobuf, openEnvelope, ProtobufError, status } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import { type Expected, type RawBody, readJson } from "./decode-body.ts";

/** The form that kubectl's typed commands and client-go send: an envelope that says what it holds, and the object. */
export function readProtobuf(bytes: Uint8Array, { schema }: Expected): RawBody {
  try {
    const { apiVersion, kind, raw, contentType } = openEnvelope(bytes);
    if (contentType === "application/json") return readJson(Buffer.from(raw).toString());
    const object = decodeProtobuf(schema, raw);
    return { value: { ...object, apiVersion, kind }, complaints: [] };
  } catch (error) {
    if (error instanceof ProtobufError) fail(status.badRequest(error.message));
    throw error;
  }
}
