import { type Clock, VirtualClock } from "../../base/mod.ts";
import type { Status } from "../api/mod.ts";
import { Client, type ClientOptions } from "./client.ts";
import { mergePatch } from "./fake-patch.testing.ts";
import { fakeResources } from "./fake-resources.testing.ts";
import { StatusError } from "./fake-status.testing.ts";
import { FakeStore, type Kind } from "./fake-store.testing.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { apiVersionOf } from "./resource-definition.ts";
import { type Transport, TransportError, type TransportRequest, type TransportResponse } from "./transport.ts";

/** What a request is about. */
interface Target {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** A rule that answers instead of the server: a Status to refuse with, undefined to let the request pass. */
export type Interceptor = (request: TransportRequest) => Status | undefined;

/**
 * The in-memory twin of an API server, for unit tests: verbs, versions, conflicts, selectors, finalizers, propagation, graceful pod
 * deletion, watches with history, status and the common subresources, discovery. It neither defaults nor validates nor authorises:
 * objects must come complete. Clients speak to it through the same code as to a real one; only the wire is missing.
 */
export class FakeApiServer implements Transport {
  readonly store: FakeStore;
  /** `METHOD path` of every request, in order. */
  readonly requests: string[] = [];
  /** Set to refuse requests. */
  intercept: Interceptor = () => undefined;
  /** Set to be unreachable, as if nothing listened. */
  down = false;

  constructor(clock: Clock = new VirtualClock()) {
    this.store = new FakeStore(clock, fakeResources);
  }

  client(options: ClientOptions = {}): Client {
    return new Client({ server: "https://fake.invalid" }, { transport: this, clock: this.store.clock, ...options });
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    request.signal?.throwIfAborted();
    this.requests.push(`${request.method} ${request.path}`);
    if (this.down) {
      // What a closed port answers; the client may retry, which in a test with a virtual clock waits until time moves.
      throw new TransportError("connect ECONNREFUSED", { code: "ECONNREFUSED", sent: false });
    }
    const refusal = this.intercept(request);
    if (refusal !== undefined) return answer(refusal.code ?? 500, refusal);
    try {
      return this.#serve(request);
    } catch (error) {
      if (error instanceof StatusError) return answer(error.status.code ?? 500, error.status);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.store.closeWatches();
  }

  #serve(request: TransportRequest): TransportResponse {
    const url = new URL(request.path, "https://fake.invalid");
    const discovery = this.#discovery(url.pathname);
    if (discovery !== undefined) return answer(200, discovery);
    const target = this.#target(url.pathname);
    const { kind, namespace, name } = target;
    const selection = {
      namespace,
      labelSelector: url.searchParams.get("labelSelector") ?? "",
      fieldSelector: url.searchParams.get("fieldSelector") ?? "",
    };
    const metadataOnly = (request.headers.accept ?? "").includes("as=PartialObjectMetadata");
    const shown = (object: KubernetesObject) => (metadataOnly ? metadataOf(object) : object);
    const body = parse(request.body);
    switch (request.method) {
      case "GET":
        if (name !== undefined && target.subresource === "scale")
          return answer(200, scaleOf(this.store.get(kind, namespace, name)));
        if (name !== undefined) return answer(200, shown(this.store.get(kind, namespace, name)));
        if (url.searchParams.get("watch") === "true") {
          const from = url.searchParams.get("resourceVersion") ?? "";
          const events = this.store.watch(kind, selection, from, request.signal);
          return { status: 200, headers: {}, body: frames(events, shown) };
        }
        return answer(200, this.#list(kind, selection, shown, metadataOnly));
      case "POST":
        if (target.subresource !== undefined) return answer(201, this.#post(target, body));
        return answer(201, this.store.create(kind, namespace, body));
      case "PUT":
        return answer(200, this.#put(target, body));
      case "PATCH":
        return answer(200, this.#patch(target, body, request.headers["content-type"] ?? ""));
      case "DELETE":
        if (name !== undefined) return answer(200, this.store.delete(kind, namespace, name, body));
        for (const object of this.store.list(kind, selection)) {
          this.store.delete(kind, object.metadata.namespace, object.metadata.name ?? "", body);
        }
        return answer(200, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" });
      default:
        throw new StatusError(
          405,
          "MethodNotAllowed",
          "the server does not allow this method on the requested resource",
        );
    }
  }

  #list(
    kind: Kind,
    selection: { namespace?: string; labelSelector: string; fieldSelector: string },
    shown: (object: KubernetesObject) => KubernetesObject,
    metadataOnly: boolean,
  ): unknown {
    const items = this.store.list(kind, selection).map((object) => {
      if (metadataOnly) return shown(object);
      // As the real one: items of a list do not name their kind.
      const { apiVersion: _apiVersion, kind: _kind, ...rest } = object;
      return rest;
    });
    const metadata = { resourceVersion: String(this.store.revision) };
    return { kind: `${kind.kind}List`, apiVersion: apiVersionOf(kind), metadata, items };
  }

  #post({ kind, namespace, name, subresource }: Target, body: KubernetesObject): unknown {
    const object = structuredClone(this.store.get(kind, namespace, name ?? "")) as KubernetesObject & Loose;
    switch (`${kind.plural}/${subresource}`) {
      case "pods/binding": {
        const pod = object as Loose;
        if (pod.spec?.nodeName) {
          const message = `Operation cannot be fulfilled on pods/binding "${name}": pod ${name} is already assigned to node "${pod.spec.nodeName}"`;
          throw new StatusError(409, "Conflict", message);
        }
        pod.spec = { ...pod.spec, nodeName: (body as Loose).target?.name };
        pod.status = {
          ...pod.status,
          conditions: [
            ...((pod.status?.conditions as unknown[]) ?? []),
            { type: "PodScheduled", status: "True", lastTransitionTime: this.store.timestamp() },
          ],
        };
        this.store.replace(kind, object);
        return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" };
      }
      case "pods/eviction":
        return this.store.delete(kind, namespace, name ?? "", ((body as Loose).deleteOptions ?? {}) as never);
      case "serviceaccounts/token":
        return { ...body, status: { token: `token-of-${name}`, expirationTimestamp: this.store.timestamp(3_600_000) } };
      default:
        throw new StatusError(404, "NotFound", "the server could not find the requested resource");
    }
  }

  #put(target: Target, body: KubernetesObject): KubernetesObject {
    const { kind, namespace, name, subresource } = target;
    switch (subresource) {
      case undefined:
        return this.store.update(kind, namespace, name ?? "", body);
      case "status":
      case "approval":
        return this.store.updateStatus(kind, namespace, name ?? "", body);
      case "finalize":
        return this.store.finalize(kind, name ?? "", body);
      case "scale": {
        const object = structuredClone(this.store.get(kind, namespace, name ?? "")) as KubernetesObject & Loose;
        object.spec = { ...object.spec, replicas: (body as Loose).spec?.replicas };
        return this.store.update(kind, namespace, name ?? "", object);
      }
      default:
        throw new StatusError(404, "NotFound", "the server could not find the requested resource");
    }
  }

  #patch(target: Target, patch: unknown, contentType: string): KubernetesObject {
    const { kind, namespace, name, subresource } = target;
    if (subresource !== undefined && subresource !== "status") {
      throw new StatusError(404, "NotFound", "the server could not find the requested resource");
    }
    const before = this.store.get(kind, namespace, name ?? "");
    const after = mergePatch(before, patch, contentType) as KubernetesObject;
    if (subresource === "status") return this.store.updateStatus(kind, namespace, name ?? "", after);
    return this.store.update(kind, namespace, name ?? "", after);
  }

  #target(path: string): Target {
    const segments = path
      .split("/")
      .filter((segment) => segment !== "")
      .map(decodeURIComponent);
    const core = segments[0] === "api";
    const group = core ? "" : (segments[1] ?? "");
    const version = (core ? segments[1] : segments[2]) ?? "";
    let rest = segments.slice(core ? 2 : 3);
    let namespace: string | undefined;
    // /namespaces/x/pods is about pods; /namespaces/x and /namespaces/x/status are about the namespace.
    if (rest[0] === "namespaces" && rest.length > 2 && !["status", "finalize"].includes(rest[2] ?? "")) {
      namespace = rest[1];
      rest = rest.slice(2);
    }
    const [plural = "", name, subresource] = rest;
    const kind = fakeResources.find((it) => it.group === group && it.version === version && it.plural === plural);
    if (kind === undefined) throw new StatusError(404, "NotFound", "the server could not find the requested resource");
    return { kind, namespace, name, subresource };
  }

  #discovery(path: string): unknown {
    const groups = [...new Set(fakeResources.map((it) => it.group))].filter((group) => group !== "");
    const versionsOf = (group: string) => [
      ...new Set(fakeResources.filter((it) => it.group === group).map((it) => it.version)),
    ];
    if (path === "/api") return { kind: "APIVersions", versions: versionsOf("") };
    if (path === "/apis") {
      return {
        kind: "APIGroupList",
        apiVersion: "v1",
        groups: groups.map((name) => {
          const versions = versionsOf(name).map((version) => ({ groupVersion: `${name}/${version}`, version }));
          return { name, versions, preferredVersion: versions[0] };
        }),
      };
    }
    const match = /^\/(?:api|apis\/([^/]+))\/([^/]+)$/.exec(path);
    if (match === null) return undefined;
    const [, group = "", version = ""] = match;
    const served = fakeResources.filter((it) => it.group === group && it.version === version);
    if (served.length === 0) return undefined;
    const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    const resources = served.map(({ plural, kind, namespaced }) => ({
      name: plural,
      singularName: "",
      namespaced,
      kind,
      verbs,
    }));
    return { kind: "APIResourceList", apiVersion: "v1", groupVersion: apiVersionOf({ group, version }), resources };
  }
}

interface Loose {
  spec?: Record<string, unknown> & { nodeName?: string; replicas?: number };
  status?: Record<string, unknown>;
  target?: { name?: string };
  deleteOptions?: unknown;
}

/** The scale of what has replicas and a selector by labels alone. */
function scaleOf(object: KubernetesObject): unknown {
  const { metadata, spec, status } = object as KubernetesObject & Loose;
  const { matchLabels = {} } = (spec?.selector ?? {}) as { matchLabels?: Record<string, string> };
  const selector = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata,
    spec: { replicas: spec?.replicas },
    status: { replicas: status?.replicas ?? 0, selector: selector.join(",") },
  };
}

function metadataOf(object: KubernetesObject): KubernetesObject {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata };
}

function parse(body: string | Uint8Array | undefined): KubernetesObject {
  if (body === undefined) return { metadata: { name: "" } };
  return JSON.parse(typeof body === "string" ? body : Buffer.from(body).toString("utf8")) as KubernetesObject;
}

function answer(status: number, value: unknown): TransportResponse {
  const details = (value as Status).details;
  const headers = details?.retryAfterSeconds === undefined ? {} : { "retry-after": String(details.retryAfterSeconds) };
  // Serialised at once: what happens later must not change an answer given earlier.
  const bytes = Buffer.from(JSON.stringify(value));
  return { status, headers, body: once(bytes) };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* frames(
  events: AsyncGenerator<{ type: string; object: KubernetesObject }>,
  shown: (object: KubernetesObject) => KubernetesObject,
): AsyncGenerator<Uint8Array> {
  for await (const { type, object } of events) {
    const visible = type === "ERROR" ? object : shown(object);
    yield Buffer.from(`${JSON.stringify({ type, object: visible })}\n`);
  }
}
