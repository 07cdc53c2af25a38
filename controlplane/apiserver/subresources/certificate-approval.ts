import {
  type CertificateSigningRequest,
  type CertificateSigningRequestCondition,
  equalJson,
  type FieldError,
  type KubeObject,
  status,
  timeAt,
} from "../../api/mod.ts";
import { fail } from "../fail.ts";
import { decodeObject } from "../handlers/decode-body.ts";
import { encodeOne } from "../handlers/encode.ts";
import { patchValue } from "../handlers/patch.ts";
import { get } from "../handlers/read.ts";
import type { SubresourceHandlers } from "../handlers/resources.ts";
import { contextOf, settleName } from "../handlers/write.ts";
import type { Call } from "../http/call.ts";
import type { Reply } from "../http/reply.ts";
import type { Served } from "../registry/served.ts";
import type { Writer } from "../registry/writer.ts";

type Csr = CertificateSigningRequest & KubeObject;

const decisions = new Set(["Approved", "Denied"]);

/** certificatesigningrequests/NAME/approval: adds the condition Approved or Denied, and changes nothing else. */
export function certificateApprovalHandlers(writer: Writer, now: () => number): SubresourceHandlers {
  const write = async (served: Served, call: Call, next: (current: Csr) => Csr | Promise<Csr>): Promise<Reply> => {
    const produce = async (current: KubeObject) => withDecision(await next(current as Csr), current as Csr, now());
    const keep = () => undefined;
    const options = { subresource: "approval", prepare: keep };
    const changed = await writer.update(served, "", call.info.name, produce, contextOf(call), options);
    return encodeOne(call, 200, served.resource, changed.object);
  };
  return {
    get,
    update: async (served, call) => {
      const given = (await decodeObject(call, served.resource)) as Csr;
      settleName(given, call.info.name);
      return write(served, call, () => given);
    },
    patch: async (served, call) => {
      const body = await call.body();
      const expected = { schema: served.resource.schema, gvk: served.resource };
      return write(
        served,
        call,
        async (current) => (await patchValue(call, body, current, expected)) as unknown as Csr,
      );
    },
  };
}

/** The stored request with the conditions of `given`; the times of those that are new are `nowMs`. */
export function withDecision(given: Csr, current: Csr, nowMs: number): Csr {
  const before = current.status?.conditions ?? [];
  const conditions = (given.status?.conditions ?? []).map((condition) => stamped(condition, before, nowMs));
  const errors = conditionErrors(conditions, before);
  if (errors.length > 0)
    fail(
      status.invalid(
        { group: "certificates.k8s.io", kind: "CertificateSigningRequest" },
        current.metadata.name,
        errors,
      ),
    );
  const next = structuredClone(current);
  next.metadata.resourceVersion = given.metadata.resourceVersion as string;
  if (given.metadata.uid) next.metadata.uid = given.metadata.uid;
  next.status = { ...next.status, conditions };
  return next;
}

function stamped(
  condition: CertificateSigningRequestCondition,
  before: readonly CertificateSigningRequestCondition[],
  nowMs: number,
): CertificateSigningRequestCondition {
  const known = before.find(({ type }) => type === condition.type);
  const changed = known?.status !== condition.status;
  const since = changed ? timeAt(nowMs) : known?.lastTransitionTime;
  return {
    ...condition,
    lastUpdateTime: condition.lastUpdateTime ?? timeAt(nowMs),
    ...((condition.lastTransitionTime ?? since) && { lastTransitionTime: condition.lastTransitionTime ?? since }),
  };
}

/** A decision, once made, stands; and there are not two. */
function conditionErrors(
  conditions: readonly CertificateSigningRequestCondition[],
  before: readonly CertificateSigningRequestCondition[],
): FieldError[] {
  const field = "status.conditions";
  const errors: FieldError[] = [];
  const of = (list: typeof conditions, type: string) => list.filter((condition) => condition.type === type);
  for (const type of ["Approved", "Denied", "Failed"]) {
    const [was, is] = [of(before, type), of(conditions, type)];
    const refuse = (message: string) =>
      errors.push({ type: "FieldValueForbidden", field, message: `Forbidden: ${message}` });
    if (was.length > 0 && is.length === 0) refuse(`updates may not remove a condition of type ${JSON.stringify(type)}`);
    else if (was.length > 0 && !equalJson(was, is))
      refuse(`updates may not modify a condition of type ${JSON.stringify(type)}`);
    if (was.length === 0 && is.length > 0 && !decisions.has(type))
      refuse(`updates may not add a condition of type ${JSON.stringify(type)}`);
  }
  const seen = new Set<string>();
  conditions.forEach(({ type, status: value }, index) => {
    const at = `${field}[${index}]`;
    if (type === "") errors.push({ type: "FieldValueRequired", field: `${at}.type`, message: "Required value" });
    if (["Approved", "Denied", "Failed"].includes(type) && value !== "True") {
      const message = `Unsupported value: ${JSON.stringify(value)}: supported values: "True"`;
      errors.push({ type: "FieldValueNotSupported", field: `${at}.status`, message });
    }
    if (seen.has(type))
      errors.push({
        type: "FieldValueDuplicate",
        field: `${at}.type`,
        message: `Duplicate value: ${JSON.stringify(type)}`,
      });
    const opposite = type === "Approved" ? "Denied" : "Approved";
    if (decisions.has(type) && seen.has(opposite)) {
      const message = `Invalid value: ${JSON.stringify(type)}: Approved and Denied conditions are mutually exclusive`;
      errors.push({ type: "FieldValueInvalid", field: `${at}.type`, message });
    }
    seen.add(type);
  });
  return errors;
}
