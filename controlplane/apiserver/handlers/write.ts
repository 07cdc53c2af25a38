import { cloneJson, status } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import type { Call } from "../http/call.ts";
import type { Reply } from "../http/reply.ts";
import type { WriteContext } from "../registry/hooks.ts";
import type { Served } from "../registry/served.ts";
import type { UpdateOptions, Writer } from "../registry/writer.ts";
import { decodeObject } from "./decode-body.ts";
import { encodeOne } from "./encode.ts";

export function contextOf(call: Call): WriteContext {
  return { user: call.user, dryRun: isDryRun(call.query.getAll("dryRun")), warn: (text) => call.warn(text) };
}

/** `All` is the only kind of dry run there is. */
export function isDryRun(asked: readonly string[]): boolean {
  for (const value of asked) {
    if (value === "All" || value === "") continue;
    const message = `Unsupported value: ${JSON.stringify(value)}: supported values: "All"`;
    const error = { type: "FieldValueNotSupported", field: "dryRun", message } as const;
    fail(status.invalid({ group: "meta.k8s.io", kind: "CreateOptions" }, "", [error]));
  }
  return asked.includes("All");
}

export async function create(served: Served, call: Call, writer: Writer): Promise<Reply> {
  const object = await decodeObject(call, served.resource);
  settleNamespace(object, call.info.namespace, served.resource.namespaced);
  const created = await writer.create(served, object, contextOf(call));
  return encodeOne(call, 201, served.resource, created);
}

export async function update(served: Served, call: Call, writer: Writer): Promise<Reply> {
  const { name, namespace, subresource } = call.info;
  const object = await decodeObject(call, served.resource);
  settleNamespace(object, namespace, served.resource.namespaced);
  settleName(object, name);
  const options = {
    status: subresource === "status",
    subresource,
    ...partOf(served, subresource),
    ...(served.resource.strategy.allowCreateOnUpdate && subresource === "" && { create: () => cloneJson(object) }),
  };
  const produce = () => cloneJson(object);
  const changed = await writer.update(served, namespace, name, produce, contextOf(call), options);
  return encodeOne(call, changed.how === "created" ? 201 : 200, served.resource, changed.object);
}

/** The part of the object that a subresource writes, if it has a name of its own. */
export function partOf({ resource }: Served, subresource: string): Pick<UpdateOptions, "part"> {
  const part = resource.subresources.find(({ name }) => name === subresource)?.part;
  return part === undefined ? {} : { part };
}

/** The path's namespace goes into the object; an object that names another one is refused. */
export function settleNamespace(
  object: { metadata: { namespace?: string } },
  namespace: string,
  namespaced: boolean,
): void {
  if (!namespaced) return;
  const given = object.metadata.namespace;
  if (given && given !== namespace)
    fail(status.badRequest("the namespace of the provided object does not match the namespace sent on the request"));
  object.metadata.namespace = namespace;
}

export function settleName(object: { metadata: { name: string } }, name: string): void {
  const given = object.metadata.name;
  if (given && given !== name)
    fail(status.badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`));
  object.metadata.name = name;
}
