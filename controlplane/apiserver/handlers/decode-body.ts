import {
  type AnyMessage,
  apiVersionOf,
  applyDefaults,
  decode,
  type GroupVersionKind,
  type KubeObject,
  parseJson,
  protobufMediaType,
  type Resource,
  status,
  strictDecodingError,
} from "../../api/mod.ts";
import { fail } from "../fail.ts";
import type { Call } from "../http/call.ts";

export type FieldValidation = "Strict" | "Warn" | "Ignore";

export interface Expected {
  readonly schema: AnyMessage;
  readonly gvk: GroupVersionKind;
  /** The body's apiVersion does not matter. */
  readonly anyVersion?: boolean;
}

/** A body as a JSON value, whatever it was written in. */
export interface RawBody {
  readonly value: unknown;
  /** `duplicate field "spec.x"`: told together with what decoding finds. */
  readonly complaints: readonly string[];
}

export function fieldValidation(query: URLSearchParams): FieldValidation {
  const asked = query.get("fieldValidation") || "Warn";
  if (asked === "Strict" || asked === "Warn" || asked === "Ignore") return asked;
  const message = `Unsupported value: ${JSON.stringify(asked)}: supported values: "Ignore", "Strict", "Warn"`;
  const error = { type: "FieldValueNotSupported", field: "fieldValidation", message } as const;
  return fail(status.invalid({ group: "meta.k8s.io", kind: "CreateOptions" }, "", [error]));
}

/** The object in the body of a create or update, defaulted, checked against what the path expects. */
export async function decodeObject(call: Call, resource: Resource): Promise<KubeObject> {
  const object = (await decodeBody(call, { schema: resource.schema, gvk: resource })) as unknown as KubeObject;
  applyDefaults(resource, object);
  return object;
}

export async function decodeBody(call: Call, expected: Expected): Promise<Record<string, unknown>> {
  const bytes = await call.body();
  const raw = await readRaw(call.headers["content-type"], bytes, expected);
  const kind = checkKind(raw.value, expected);
  const decoded = decode(expected.schema, kind);
  const where = `${expected.gvk.kind} in version ${JSON.stringify(expected.gvk.version)} cannot be handled as a ${expected.gvk.kind}`;
  if (!decoded.ok) return fail(status.badRequest(`${where}: ${decoded.message}`));
  report(call, [...raw.complaints, ...decoded.complaints], (strict) => fail(status.badRequest(`${where}: ${strict}`)));
  call.decoded?.(decoded.object);
  return decoded.object;
}

/** Complaints of decoding go where fieldValidation says: nowhere, to warnings, or to `refuse`. */
export function report(call: Call, complaints: readonly string[], refuse: (strict: string) => never): void {
  const validation = fieldValidation(call.query);
  if (complaints.length === 0 || validation === "Ignore") return;
  if (validation === "Strict") refuse(strictDecodingError(complaints));
  for (const complaint of complaints) call.warn(complaint);
}

const accepted = ["application/json", "application/yaml", protobufMediaType];

async function readRaw(contentType: string | undefined, bytes: Buffer, expected: Expected): Promise<RawBody> {
  const type = (contentType || "application/json").split(";")[0]?.trim().toLowerCase();
  switch (type) {
    case "application/json":
      return readJson(bytes.toString());
    case "application/yaml":
      return (await import("./yaml-body.ts")).readYaml(bytes.toString());
    case protobufMediaType:
      return (await import("./protobuf-body.ts")).readProtobuf(bytes, expected);
    default:
      return fail(status.unsupportedMediaType(accepted));
  }
}

export function readJson(text: string): RawBody {
  const parsed = parseJson(text);
  if (!parsed.ok) return fail(status.badRequest(`couldn't get version/kind; json parse error: ${parsed.message}`));
  return { value: parsed.value, complaints: duplicates(parsed.duplicates) };
}

export function duplicates(paths: readonly string[]): string[] {
  return paths.map((path) => `duplicate field ${JSON.stringify(path)}`);
}

/** Clients may leave apiVersion and kind to the path; what they say must agree with it. */
function checkKind(value: unknown, { gvk, anyVersion }: Expected): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const { apiVersion, kind } = value as { apiVersion?: unknown; kind?: unknown };
  const wanted = apiVersionOf(gvk);
  if (!anyVersion && typeof apiVersion === "string" && apiVersion !== "" && apiVersion !== wanted) {
    const message = `the API version in the data (${apiVersion}) does not match the expected API version (${wanted})`;
    fail(status.badRequest(message));
  }
  if (typeof kind === "string" && kind !== "" && kind !== gvk.kind) {
    const version = JSON.stringify(gvk.version);
    fail(status.badRequest(`${kind} in version ${version} cannot be handled as a ${gvk.kind}: unknown conversion`));
  }
  return { ...value, apiVersion: wanted, kind: gvk.kind };
}
