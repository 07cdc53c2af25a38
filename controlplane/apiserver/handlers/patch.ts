import {
  applyDefaults,
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  decode,
  type FieldError,
  type KubeObject,
  status,
} from "../../api/mod.ts";
import { fail } from "../fail.ts";
import type { Call } from "../http/call.ts";
import type { Reply } from "../http/reply.ts";
import type { Served } from "../registry/served.ts";
import type { Writer } from "../registry/writer.ts";
import { type Expected, type RawBody, readJson, report } from "./decode-body.ts";
import { encodeOne } from "./encode.ts";
import { goValue } from "./go-value.ts";
import { contextOf, partOf, settleName, settleNamespace } from "./write.ts";

const types = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
] as const;

/** PATCH of an object or a part of it: applied to the newest state, again if that changes meanwhile. */
export async function patch(served: Served, call: Call, writer: Writer): Promise<Reply> {
  const { namespace, name, subresource } = call.info;
  const { resource } = served;
  // Before anything is looked up: server-side apply, which would create what is missing, is not supported.
  if (!types.some((type) => type === mediaType(call))) fail(status.unsupportedMediaType(types));
  const body = await call.body();
  const expected = { schema: resource.schema, gvk: resource };
  const produce = async (current: KubeObject): Promise<KubeObject> => {
    const next = (await patchValue(call, body, current, expected)) as unknown as KubeObject;
    settleName(next, name);
    settleNamespace(next, namespace, resource.namespaced);
    applyDefaults(resource, next);
    return next;
  };
  const options = { status: subresource === "status", subresource, ...partOf(served, subresource) };
  const changed = await writer.update(served, namespace, name, produce, contextOf(call), options);
  return encodeOne(call, 200, resource, changed.object);
}

/** `current` with the patch of the request's body applied: a new object, decoded again, so that it still is what it was. */
export async function patchValue(
  call: Call,
  body: Buffer,
  current: object,
  { schema, gvk }: Expected,
): Promise<Record<string, unknown>> {
  const type = mediaType(call);
  const raw = readJson(body.toString());
  const patched = apply(type, raw, current, schema);
  const decoded = decode(schema, patched);
  const shown = type === "application/strategic-merge-patch+json" ? goValue(raw.value) : JSON.stringify(patched);
  const invalid = (why: string) => {
    const message = `Invalid value: ${JSON.stringify(shown)}: ${why}`;
    const error: FieldError = { type: "FieldValueInvalid", field: "patch", message };
    return fail(status.invalid({ group: "", kind: "" }, "", [error]));
  };
  if (!decoded.ok) return invalid(decoded.message);
  report(call, [...raw.complaints, ...decoded.complaints], invalid);
  const { apiVersion, kind } = decoded.object;
  if (kind !== gvk.kind || apiVersion !== (current as { apiVersion?: string }).apiVersion)
    fail(status.badRequest("a patch may not change apiVersion or kind"));
  return decoded.object;
}

function mediaType(call: Call): string {
  return call.headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? "";
}

function apply(type: string, raw: RawBody, current: object, schema: Expected["schema"]): unknown {
  switch (type) {
    case "application/merge-patch+json":
      return applyMergePatch(current, raw.value);
    case "application/json-patch+json":
      return settle(applyJsonPatch(current, raw.value));
    case "application/strategic-merge-patch+json":
      return settle(applyStrategicMergePatch(schema, current, raw.value));
    default:
      return fail(status.unsupportedMediaType(types));
  }
}

function settle(result: ReturnType<typeof applyJsonPatch>): unknown {
  if (result.ok) return result.value;
  if (result.malformed) fail(status.badRequest(result.message));
  return fail({ ...status.invalid({ group: "", kind: "" }, "", []), message: result.message, details: {} });
}
