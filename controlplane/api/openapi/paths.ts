import { protobufMediaType } from "../protobuf/envelope.ts";
import type { Resource, Subresource, Verb } from "../resources/resource.ts";
import { apiVersionOf } from "../resources/served.ts";
import type { AnyMessage, GroupVersionKind } from "../schema/field.ts";
import { DeleteOptions } from "../types/meta/options.ts";
import { Status } from "../types/meta/status.ts";
import type { Dialect, Schema, SchemaSet } from "./schemas.ts";

type Operation = Readonly<Record<string, unknown>>;
type PathItem = Record<string, Operation | readonly Schema[]>;

const mediaTypes = ["application/json", "application/yaml", protobufMediaType];
const patchTypes = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
];

/** The paths of a resource: its collection, its objects, and their subresources. */
export function pathsOf(resource: Resource, schemas: SchemaSet, dialect: Dialect): Record<string, PathItem> {
  const writer = new PathWriter(schemas, dialect);
  const { namespaced, plural, group } = resource;
  const root = `${group === "" ? "/api" : "/apis"}/${apiVersionOf(resource)}`;
  const collection = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`;
  const paths: Record<string, PathItem> = {};
  const add = (path: string, item: PathItem) => {
    if (Object.keys(item).some((key) => key !== "parameters")) paths[path] = item;
  };
  add(collection, writer.collection(resource));
  if (namespaced && resource.verbs.includes("list")) add(`${root}/${plural}`, writer.everywhere(resource));
  add(`${collection}/{name}`, writer.object(resource));
  for (const subresource of resource.subresources) {
    add(`${collection}/{name}/${subresource.name}`, writer.subresource(resource, subresource));
  }
  return paths;
}

class PathWriter {
  readonly #schemas: SchemaSet;
  readonly #dialect: Dialect;

  constructor(schemas: SchemaSet, dialect: Dialect) {
    this.#schemas = schemas;
    this.#dialect = dialect;
  }

  collection({ verbs, schema, listSchema, namespaced, kind, ...gv }: Resource): PathItem {
    const gvk = { ...pickGroupVersion(gv), kind };
    const item: PathItem = { parameters: this.#pathParameters(namespaced ? ["namespace"] : []) };
    if (verbs.includes("list")) item.get = this.#read("list", gvk, listSchema, listQuery);
    if (verbs.includes("create")) item.post = this.#write("post", gvk, schema, schema, writeQuery);
    if (verbs.includes("deletecollection")) {
      item.delete = this.#write("deletecollection", gvk, DeleteOptions, Status, [...listQuery, ...deleteQuery]);
    }
    return item;
  }

  everywhere({ listSchema, kind, ...gv }: Resource): PathItem {
    return { get: this.#read("list", { ...pickGroupVersion(gv), kind }, listSchema, listQuery) };
  }

  object({ verbs, schema, namespaced, kind, ...gv }: Resource): PathItem {
    const gvk = { ...pickGroupVersion(gv), kind };
    const item = this.#readAndWrite(verbs, gvk, schema, namespaced);
    if (verbs.includes("delete")) item.delete = this.#write("delete", gvk, DeleteOptions, Status, deleteQuery);
    return item;
  }

  subresource({ namespaced }: Resource, { verbs, gvk, schema, name }: Subresource): PathItem {
    if (schema === undefined) return {};
    if (name === "log") {
      const operation = { ...this.#operation("get", gvk, logQuery), responses: { 200: { description: "The log." } } };
      return { parameters: this.#pathParameters(["name", "namespace"]), get: operation };
    }
    const item = this.#readAndWrite(verbs, gvk, schema, namespaced);
    if (verbs.includes("create")) item.post = this.#write("post", gvk, schema, schema, writeQuery);
    return item;
  }

  #readAndWrite(verbs: readonly Verb[], gvk: GroupVersionKind, schema: AnyMessage, namespaced: boolean): PathItem {
    const item: PathItem = { parameters: this.#pathParameters(namespaced ? ["name", "namespace"] : ["name"]) };
    if (verbs.includes("get")) item.get = this.#read("get", gvk, schema, []);
    if (verbs.includes("update")) item.put = this.#write("put", gvk, schema, schema, writeQuery);
    if (verbs.includes("patch")) {
      // kubectl looks here for fieldValidation and dryRun, to know whether the server does both.
      item.patch = {
        ...this.#operation("patch", gvk, [...writeQuery, force]),
        ...this.#body({ type: "object", description: "A patch." }, patchTypes),
        responses: this.#responses(schema),
      };
    }
    return item;
  }

  #read(action: string, gvk: GroupVersionKind, schema: AnyMessage, query: readonly Parameter[]): Operation {
    return { ...this.#operation(action, gvk, query), responses: this.#responses(schema) };
  }

  #write(
    action: string,
    gvk: GroupVersionKind,
    body: AnyMessage,
    answer: AnyMessage,
    query: readonly Parameter[],
  ): Operation {
    return {
      ...this.#operation(action, gvk, query),
      ...this.#body(this.#schemas.add(body), mediaTypes),
      responses: this.#responses(answer),
    };
  }

  #operation(action: string, gvk: GroupVersionKind, query: readonly Parameter[]): Operation {
    const { kind } = gvk;
    const parameters = query.map(({ name, type, description }) => ({
      name,
      in: "query",
      description,
      ...(this.#dialect === "v3" ? { schema: { type, uniqueItems: true } } : { type, uniqueItems: true }),
    }));
    return {
      description: `${action} ${kind}`,
      ...(parameters.length > 0 && { parameters }),
      "x-kubernetes-action": action,
      "x-kubernetes-group-version-kind": gvk,
    };
  }

  #body(schema: Schema, types: readonly string[]): Operation {
    if (this.#dialect === "v3") return { requestBody: { content: content(schema, types) } };
    // In 2.0 the body is a parameter, which would have to be merged with the others; the published types say enough.
    return { consumes: types };
  }

  #responses(schema: AnyMessage): Operation {
    const reference = this.#schemas.add(schema);
    const ok = this.#dialect === "v3" ? { content: content(reference, mediaTypes) } : { schema: reference };
    return { 200: { description: "OK", ...ok }, 401: { description: "Unauthorized" } };
  }

  #pathParameters(names: readonly string[]): readonly Schema[] {
    return names.map((name) => ({
      name,
      in: "path",
      required: true,
      description: name === "name" ? "Name of the object." : "Namespace of the object.",
      ...(this.#dialect === "v3"
        ? { schema: { type: "string", uniqueItems: true } }
        : { type: "string", uniqueItems: true }),
    }));
  }
}

function content(schema: Schema, types: readonly string[]): Schema {
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}

function pickGroupVersion({ group, version }: { readonly group: string; readonly version: string }) {
  return { group, version };
}

interface Parameter {
  readonly name: string;
  readonly type: "string" | "boolean" | "integer";
  readonly description: string;
}

const writeQuery: readonly Parameter[] = [
  { name: "dryRun", type: "string", description: "All: do everything but store the result." },
  { name: "fieldManager", type: "string", description: "Who makes the change." },
  { name: "fieldValidation", type: "string", description: "What happens to unknown fields: Ignore, Warn or Strict." },
  { name: "pretty", type: "string", description: "true: indent the answer." },
];

const force: Parameter = { name: "force", type: "boolean", description: "Take over fields that others own." };

const listQuery: readonly Parameter[] = [
  { name: "allowWatchBookmarks", type: "boolean", description: "Watch: send marks of progress." },
  { name: "continue", type: "string", description: "Where the next page starts." },
  { name: "fieldSelector", type: "string", description: "Chooses objects by their fields." },
  { name: "labelSelector", type: "string", description: "Chooses objects by their labels." },
  { name: "limit", type: "integer", description: "How many objects a page holds at most." },
  { name: "resourceVersion", type: "string", description: "How new the answer must be." },
  { name: "resourceVersionMatch", type: "string", description: "How resourceVersion is meant: Exact or NotOlderThan." },
  { name: "sendInitialEvents", type: "boolean", description: "Watch: begin with all objects there are." },
  { name: "timeoutSeconds", type: "integer", description: "When the server ends the request." },
  { name: "watch", type: "boolean", description: "Stream changes instead of listing." },
];

const deleteQuery: readonly Parameter[] = [
  { name: "dryRun", type: "string", description: "All: do everything but delete." },
  { name: "gracePeriodSeconds", type: "integer", description: "How long the object has to go away." },
  { name: "orphanDependents", type: "boolean", description: "Leave what the object owns." },
  {
    name: "propagationPolicy",
    type: "string",
    description: "What happens to what it owns: Orphan, Background or Foreground.",
  },
];

const logQuery: readonly Parameter[] = [
  { name: "container", type: "string", description: "Which container; needed when there are several." },
  { name: "follow", type: "boolean", description: "Stream what is still to come." },
  { name: "limitBytes", type: "integer", description: "End after this much." },
  { name: "previous", type: "boolean", description: "The log of the container before its last restart." },
  { name: "sinceSeconds", type: "integer", description: "Only what is newer than this." },
  { name: "tailLines", type: "integer", description: "Only the last lines." },
  { name: "timestamps", type: "boolean", description: "Begin each line with its time." },
];
