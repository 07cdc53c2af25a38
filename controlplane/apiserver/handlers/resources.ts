import { type Resource, status, type Verb } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import type { Call } from "../http/call.ts";
import type { Reply } from "../http/reply.ts";
import type { Deleter } from "../registry/deleter.ts";
import type { Hooks } from "../registry/hooks.ts";
import type { Registry, Served } from "../registry/served.ts";
import type { Writer } from "../registry/writer.ts";
import { asksForDefinitions, noDefinitions } from "./custom-resources.ts";
import { deleteCollection, deleteOne } from "./delete.ts";
import { patch } from "./patch.ts";
import { get, list, watch } from "./read.ts";
import { create, update } from "./write.ts";

/** What a subresource does with the verbs it is declared with. */
export type SubresourceHandlers = Readonly<Partial<Record<Verb, (served: Served, call: Call) => Promise<Reply>>>>;

export interface ResourceHandlersOptions {
  readonly resources: readonly Resource[];
  readonly registry: Registry;
  readonly writer: Writer;
  readonly deleter: Deleter;
  readonly hooksOf: (served: Served) => Hooks;
  /** By `plural/subresource`; a star stands for every kind that declares the subresource. */
  readonly subresources: Readonly<Record<string, SubresourceHandlers>>;
  /** Kinds that are never stored, by plural (with `.GROUP` where a stored kind has the same): reviews, measurements. */
  readonly questions: Readonly<Record<string, (resource: Resource, call: Call) => Promise<Reply>>>;
}

/** Finds who answers a request for a resource: the generic verbs, a subresource, or a question. */
export class ResourceHandlers {
  readonly #options: ResourceHandlersOptions;

  constructor(options: ResourceHandlersOptions) {
    this.#options = options;
  }

  async handle(call: Call): Promise<Reply> {
    const { info } = call;
    const resource = this.#options.resources.find(
      ({ group, version, plural }) => group === info.group && version === info.version && plural === info.resource,
    );
    if (resource === undefined && asksForDefinitions(call)) return noDefinitions(call);
    if (resource === undefined || !scopeFits(resource, call)) fail(status.pathNotFound());
    if (info.subresource !== "") return this.#subresource(resource, call);
    if (!(resource.verbs as readonly string[]).includes(info.verb)) fail(status.methodNotAllowedOnPath());
    const { plural, group } = resource;
    const question = this.#options.questions[plural] ?? this.#options.questions[`${plural}.${group}`];
    if (resource.storagePrefix === undefined) {
      if (question === undefined) fail(status.pathNotFound());
      return question(resource, call);
    }
    const served = this.#options.registry.need(info.group, info.version, info.resource);
    const { writer, deleter, hooksOf } = this.#options;
    switch (info.verb as Verb) {
      case "get":
        return get(served, call);
      case "list":
        return list(served, call);
      case "watch":
        return watch(served, call);
      case "create":
        return create(served, call, writer);
      case "update":
        return update(served, call, writer);
      case "patch":
        return patch(served, call, writer);
      case "delete":
        return deleteOne(served, call, deleter, hooksOf(served));
      case "deletecollection":
        return deleteCollection(served, call, deleter);
    }
  }

  #subresource(resource: Resource, call: Call): Promise<Reply> {
    const { subresource, verb } = call.info;
    const declared = resource.subresources.find(({ name }) => name === subresource);
    if (declared === undefined) fail(status.pathNotFound());
    if (!(declared.verbs as readonly string[]).includes(verb)) fail(status.methodNotAllowedOnPath());
    const { subresources, registry } = this.#options;
    const handlers = subresources[`${resource.plural}/${subresource}`] ?? subresources[`*/${subresource}`];
    const handler = handlers?.[verb as Verb];
    if (handler === undefined) fail(status.methodNotAllowedOnPath());
    return handler(registry.need(resource.group, resource.version, resource.plural), call);
  }
}

/**
 * Whether the path's scope is the resource's. Without a namespace, namespaced kinds can only be listed and watched;
 * a namespace's own path is `/namespaces/NAME`, which names it twice.
 */
function scopeFits(resource: Resource, { info }: Call): boolean {
  if (resource.namespaced) return info.namespace !== "" || info.verb === "list" || info.verb === "watch";
  return info.namespace === "" || resource.plural === "namespaces";
}
