import type { ListMeta, Status } from "../api/mod.ts";
import { ApiError } from "./api-error.ts";
import type { HttpClient, Query } from "./http-client.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { lines } from "./lines.ts";
import { apiVersionOf, type ResourceDefinition, resourcePath } from "./resource-definition.ts";

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface GetOptions extends CallOptions {
  /** Unset: newest. `"0"`: any cached. Otherwise: not older than this. */
  readonly resourceVersion?: string;
}

export interface SelectOptions extends CallOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
}

export interface ListOptions extends SelectOptions {
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersionMatch?: "Exact" | "NotOlderThan";
}

export interface WatchOptions extends SelectOptions {
  readonly allowWatchBookmarks?: boolean;
  readonly timeoutSeconds?: number;
  /** Begin with what exists, then a bookmark that says so. */
  readonly sendInitialEvents?: boolean;
}

export interface WriteOptions extends CallOptions {
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
}

export interface DeleteOptions extends CallOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Orphan" | "Background" | "Foreground";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
}

export interface PatchOptions extends WriteOptions {
  readonly subresource?: string;
  /** Apply only: take fields from other managers. */
  readonly force?: boolean;
}

export type PatchType = "json" | "merge" | "strategic" | "apply";

const patchContentTypes = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
} satisfies Record<PatchType, string>;

export interface ObjectList<T> {
  readonly metadata: ListMeta;
  readonly items: T[];
}

/** What a watch tells. A BOOKMARK's object carries nothing but its resource version. */
export interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: T;
}

/** How the objects travel: whole, or their metadata alone. */
export type Representation = "whole" | "metadata";

/**
 * The verbs of one kind. Objects that come back always carry apiVersion and kind (the server leaves them out of lists).
 * Every call throws ApiError when the server refuses, TransportError when it cannot be reached, and the signal's reason when aborted.
 */
export class ResourceClient<T extends KubernetesObject> {
  readonly definition: ResourceDefinition;
  readonly #http: HttpClient;
  readonly #representation: Representation;

  constructor(http: HttpClient, definition: ResourceDefinition, representation: Representation = "whole") {
    this.#http = http;
    this.definition = definition;
    this.#representation = representation;
  }

  /** For a kind without namespaces pass `undefined`. */
  async get(namespace: string | undefined, name: string, options: GetOptions = {}): Promise<T> {
    const { signal, ...query } = options;
    return this.#http.json("GET", this.#path(namespace, name), { query, signal, accept: this.#accept("") });
  }

  async list(options: ListOptions = {}): Promise<ObjectList<T>> {
    const { namespace, signal, ...query } = options;
    const list = await this.#http.json<{ metadata: ListMeta; items: T[] | null }>("GET", this.#path(namespace), {
      query,
      signal,
      accept: this.#accept("List"),
    });
    const items = list.items ?? [];
    if (this.#representation === "whole") for (const item of items) this.#name(item);
    return { metadata: list.metadata, items };
  }

  /** All pages of a list, `pageSize` objects a request. */
  async listAll(options: Omit<ListOptions, "continue" | "limit"> = {}, pageSize = 500): Promise<ObjectList<T>> {
    const items: T[] = [];
    for (let page = await this.list({ ...options, limit: pageSize }); ; ) {
      items.push(...page.items);
      const next = page.metadata.continue;
      if (next === undefined || next === "") return { metadata: page.metadata, items };
      const { resourceVersion: _version, resourceVersionMatch: _match, ...rest } = options;
      page = await this.list({ ...rest, limit: pageSize, continue: next });
    }
  }

  /**
   * Changes as they happen, from `resourceVersion` on (unset: what exists first). Ends when the server ends it, which it does now
   * and then: see Reflector. Throws ApiError for an ERROR event, `isExpired` when history no longer reaches back.
   */
  async *watch(options: WatchOptions = {}): AsyncGenerator<WatchEvent<T>, void> {
    const { namespace, signal, ...rest } = options;
    const query: Query = {
      ...rest,
      watch: true,
      ...(rest.sendInitialEvents === undefined ? {} : { resourceVersionMatch: "NotOlderThan" }),
    };
    const response = await this.#http.stream("GET", this.#path(namespace), { query, signal, accept: this.#accept("") });
    for await (const line of lines(response.body)) {
      if (line === "") continue;
      const event = JSON.parse(line) as WatchEvent<T> | { readonly type: "ERROR"; readonly object: Status };
      if (event.type === "ERROR") throw new ApiError(event.object);
      yield event;
    }
  }

  /** Posts to the object's own namespace. */
  async create(object: T, options: WriteOptions = {}): Promise<T> {
    return this.#http.json("POST", this.#path(object.metadata.namespace), {
      body: this.#name(object),
      ...this.#write(options),
    });
  }

  /** Replaces. With a resourceVersion in the object, fails with a conflict if it is no longer the newest. */
  async update(object: T, options: WriteOptions = {}): Promise<T> {
    return this.#put(object, [], options);
  }

  /** Replaces the status and nothing else. */
  async updateStatus(object: T, options: WriteOptions = {}): Promise<T> {
    return this.#put(object, ["status"], options);
  }

  async patch(
    namespace: string | undefined,
    name: string,
    type: PatchType,
    body: unknown,
    options: PatchOptions = {},
  ): Promise<T> {
    const path = this.#path(namespace, name, ...(options.subresource === undefined ? [] : [options.subresource]));
    return this.#http.json("PATCH", path, {
      body,
      contentType: patchContentTypes[type],
      ...this.#write(options, options.force === undefined ? {} : { force: options.force }),
    });
  }

  /** The answer is the object while it still waits (grace, finalizers), a Status when it is gone. */
  async delete(namespace: string | undefined, name: string, options: DeleteOptions = {}): Promise<T | Status> {
    return this.#http.json("DELETE", this.#path(namespace, name), this.#deletion(options));
  }

  async deleteCollection(select: SelectOptions, options: DeleteOptions = {}): Promise<void> {
    const { namespace, signal, ...query } = select;
    await this.#http.json("DELETE", this.#path(namespace), { ...this.#deletion(options), query, signal });
  }

  async getSubresource<R>(
    namespace: string | undefined,
    name: string,
    subresource: string,
    options: CallOptions = {},
  ): Promise<R> {
    return this.#http.json("GET", this.#path(namespace, name, subresource), options);
  }

  /** Posts to a subresource: binding, eviction, token. */
  async createSubresource<R>(
    namespace: string | undefined,
    name: string,
    subresource: string,
    body: unknown,
    options: WriteOptions = {},
  ): Promise<R> {
    return this.#http.json("POST", this.#path(namespace, name, subresource), { body, ...this.#write(options) });
  }

  /** Puts to a subresource: finalize, scale. */
  async updateSubresource<R>(
    namespace: string | undefined,
    name: string,
    subresource: string,
    body: unknown,
    options: WriteOptions = {},
  ): Promise<R> {
    return this.#http.json("PUT", this.#path(namespace, name, subresource), { body, ...this.#write(options) });
  }

  #put(object: T, subresource: string[], options: WriteOptions): Promise<T> {
    const { namespace, name } = object.metadata;
    if (name === undefined) throw new TypeError(`cannot update a ${this.definition.kind} without a name`);
    const path = this.#path(namespace, name, ...subresource);
    return this.#http.json("PUT", path, { body: this.#name(object), ...this.#write(options) });
  }

  #path(namespace: string | undefined, name?: string, ...subresource: string[]): string {
    return resourcePath(this.definition, this.definition.namespaced ? namespace : undefined, name, ...subresource);
  }

  #accept(suffix: "" | "List"): string {
    if (this.#representation === "whole") return "application/json";
    return `application/json;as=PartialObjectMetadata${suffix};g=meta.k8s.io;v=v1`;
  }

  #name(object: T): T {
    object.apiVersion ??= apiVersionOf(this.definition);
    object.kind ??= this.definition.kind;
    return object;
  }

  #write(options: WriteOptions, more: Query = {}): { query: Query; signal?: AbortSignal } {
    const query = { fieldManager: options.fieldManager, dryRun: options.dryRun ? "All" : undefined, ...more };
    return { query, signal: options.signal };
  }

  #deletion({ signal, dryRun, ...rest }: DeleteOptions): { body: unknown; signal?: AbortSignal } {
    const body = { apiVersion: "v1", kind: "DeleteOptions", ...rest, ...(dryRun ? { dryRun: ["All"] } : {}) };
    return { body, signal };
  }
}

/** The same verbs for a kind that lives outside namespaces. */
export class ClusterResourceClient<T extends KubernetesObject> {
  /** The client that generic code (informers, the garbage collector) takes. */
  readonly resource: ResourceClient<T>;

  constructor(resource: ResourceClient<T>) {
    this.resource = resource;
  }

  get definition(): ResourceDefinition {
    return this.resource.definition;
  }

  get(name: string, options?: GetOptions): Promise<T> {
    return this.resource.get(undefined, name, options);
  }

  list(options?: Omit<ListOptions, "namespace">): Promise<ObjectList<T>> {
    return this.resource.list(options);
  }

  watch(options?: Omit<WatchOptions, "namespace">): AsyncGenerator<WatchEvent<T>, void> {
    return this.resource.watch(options);
  }

  create(object: T, options?: WriteOptions): Promise<T> {
    return this.resource.create(object, options);
  }

  update(object: T, options?: WriteOptions): Promise<T> {
    return this.resource.update(object, options);
  }

  updateStatus(object: T, options?: WriteOptions): Promise<T> {
    return this.resource.updateStatus(object, options);
  }

  patch(name: string, type: PatchType, body: unknown, options?: PatchOptions): Promise<T> {
    return this.resource.patch(undefined, name, type, body, options);
  }

  delete(name: string, options?: DeleteOptions): Promise<T | Status> {
    return this.resource.delete(undefined, name, options);
  }
}
