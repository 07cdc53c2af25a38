import { DeleteOptions, StatusError, status } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import type { Call } from "../http/call.ts";
import type { Reply } from "../http/reply.ts";
import { isTrue } from "../http/request-info.ts";
import type { Deleter } from "../registry/deleter.ts";
import type { Hooks } from "../registry/hooks.ts";
import type { Served } from "../registry/served.ts";
import { decodeBody } from "./decode-body.ts";
import { encodeList, encodeOne, encodeStatus } from "./encode.ts";
import { selectorOf } from "./select.ts";
import { contextOf, isDryRun } from "./write.ts";

/** Requests sent at a time by a deletecollection. */
const PARALLEL = 16;

export async function deleteOne(served: Served, call: Call, deleter: Deleter, hooks: Hooks): Promise<Reply> {
  const { namespace, name } = call.info;
  const options = await deleteOptions(call);
  const context = { ...contextOf(call), dryRun: isDryRun([...call.query.getAll("dryRun"), ...(options.dryRun ?? [])]) };
  const { object, gone } = await deleter.delete(served, namespace, name, options, context);
  if (gone && !hooks.returnsDeleted) return encodeStatus(call, status.deleted(served.names, name, object.metadata.uid));
  return encodeOne(call, 200, served.resource, object);
}

/** Deletes what a list with the same selectors would show; the answer is that list. */
export async function deleteCollection(served: Served, call: Call, deleter: Deleter): Promise<Reply> {
  const options = await deleteOptions(call);
  const context = { ...contextOf(call), dryRun: isDryRun([...call.query.getAll("dryRun"), ...(options.dryRun ?? [])]) };
  const { matches, filtered } = selectorOf(served, call.query, call.info.name);
  const found = await served.lister.list(served.prefix(call.info.namespace), {
    matches,
    filtered,
    limit: Number(call.query.get("limit") ?? 0) || 0,
    continueToken: call.query.get("continue") ?? "",
    resourceVersion: "",
    resourceVersionMatch: "",
  });
  const items = found.items.map((item) => served.present(item));
  const queue = items.values();
  const workers = Array.from({ length: PARALLEL }, async () => {
    for (const { metadata } of queue) {
      try {
        await deleter.delete(served, metadata.namespace ?? "", metadata.name, options, context);
      } catch (error) {
        // Somebody else deleted it in the meantime: it is gone, as was wanted.
        if (!isNotFound(error)) throw error;
      }
    }
  });
  await Promise.all(workers);
  return encodeList(call, served.resource, { resourceVersion: String(found.revision) }, items);
}

/** From the body, if there is one, else from the query. */
async function deleteOptions(call: Call): Promise<DeleteOptions> {
  const body = await call.body();
  if (body.length > 0) {
    // Clients name the group of what they delete: each group has these options, and they are all the same.
    const expected = { schema: DeleteOptions, gvk: DeleteOptions.gvk, anyVersion: true };
    return checked((await decodeBody({ ...call, body: async () => body }, expected)) as DeleteOptions);
  }
  const { query } = call;
  const options: DeleteOptions = {};
  if (query.has("gracePeriodSeconds")) options.gracePeriodSeconds = Number(query.get("gracePeriodSeconds"));
  if (query.has("propagationPolicy"))
    options.propagationPolicy = query.get("propagationPolicy") as NonNullable<DeleteOptions["propagationPolicy"]>;
  if (query.has("orphanDependents")) options.orphanDependents = isTrue(query.get("orphanDependents"));
  return checked(options);
}

function checked(options: DeleteOptions): DeleteOptions {
  const { propagationPolicy: policy, orphanDependents, gracePeriodSeconds } = options;
  const refuse = (field: string, type: "FieldValueInvalid" | "FieldValueNotSupported", message: string) =>
    fail(status.invalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", [{ type, field, message }]));
  if (policy !== undefined && orphanDependents !== undefined)
    refuse(
      "propagationPolicy",
      "FieldValueInvalid",
      `Invalid value: ${JSON.stringify(policy)}: orphanDependents and deletionPropagation cannot be both set`,
    );
  if (policy !== undefined && !["Orphan", "Background", "Foreground"].includes(policy))
    refuse(
      "propagationPolicy",
      "FieldValueNotSupported",
      `Unsupported value: ${JSON.stringify(policy)}: supported values: "Background", "Foreground", "Orphan"`,
    );
  if (gracePeriodSeconds !== undefined && !Number.isSafeInteger(gracePeriodSeconds))
    fail(status.badRequest("gracePeriodSeconds must be a whole number"));
  return options;
}

function isNotFound(error: unknown): boolean {
  return error instanceof StatusError && error.status.code === 404;
}
