import { generateKeyPairSync } from "node:crypto";
import { seededRandom, VirtualClock } from "../../base/mod.ts";
import { type KubeObject, StatusError } from "../api/mod.ts";
import { AddressRange } from "./allocate/service-range.ts";
import { TokenSigner } from "./auth/tokens.ts";
import { loopback, type User } from "./auth/user.ts";
import { ensureNamespaces } from "./bootstrap/objects.ts";
import { type Core, createCore } from "./core.ts";
import type { Call } from "./http/call.ts";
import type { Reply } from "./http/reply.ts";
import { parseRequest } from "./http/request-info.ts";
import { MemoryStore } from "./storage/memory-store.ts";
import type { Store } from "./storage/store.ts";

export interface Answer {
  readonly code: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind.
  readonly body: any;
  readonly warnings: readonly string[];
}

export interface RequestOptions {
  readonly user?: User;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** An API server without a network: requests go in as methods and paths, answers come out as values. */
export class TestApi {
  readonly core: Core;
  readonly clock: VirtualClock;
  readonly store: Store;

  constructor(store: Store, clock: VirtualClock) {
    this.store = store;
    this.clock = clock;
    this.core = createCore({
      store,
      clock,
      log: () => undefined,
      random: seededRandom(7),
      addresses: new AddressRange("10.96.0.0/24"),
      ports: { first: 30_000, last: 30_063 },
      signer,
      kubelet: undefined,
    });
  }

  /** With the namespaces that are always there, and a service account for pods in `default`. */
  static async open(store: Store = new MemoryStore()): Promise<TestApi> {
    const api = new TestApi(store, new VirtualClock(Date.parse("2026-11-23T06:00:00Z")));
    await api.core.policy.start();
    await ensureNamespaces(api.core);
    await api.request("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
    return api;
  }

  async request(method: string, url: string, body?: unknown, options: RequestOptions = {}): Promise<Answer> {
    const { call, warnings } = callOf(method, url, body, options);
    let reply: Reply;
    try {
      reply = await this.core.resources.handle(call);
    } catch (error) {
      if (error instanceof StatusError) return { code: error.status.code, body: error.status, warnings };
      throw error;
    }
    if (reply.kind !== "body") throw new Error("streams are for watch()");
    const text = typeof reply.body === "string" ? reply.body : Buffer.from(reply.body).toString();
    return { code: reply.code, body: reply.contentType === "application/json" ? JSON.parse(text) : text, warnings };
  }

  /** Opens a watch. `next(n)` waits for the next n events. */
  async watch(url: string, headers: Record<string, string> = {}): Promise<TestWatch> {
    const stop = new AbortController();
    const { call } = callOf("GET", url, undefined, { headers, signal: stop.signal });
    const reply = await this.core.resources.handle(call);
    if (reply.kind !== "stream") throw new Error("a watch is a stream");
    return new TestWatch(reply, stop);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into objects of every kind.
type WatchEvent = { type: string; object: any };

export class TestWatch {
  readonly ended: Promise<void>;
  readonly #stop: AbortController;
  readonly #events: WatchEvent[] = [];
  #wake = Promise.withResolvers<void>();

  constructor(reply: Reply & { kind: "stream" }, stop: AbortController) {
    this.#stop = stop;
    this.ended = reply.pump({
      signal: stop.signal,
      drained: () => Promise.resolve(),
      write: (chunk) => {
        this.#events.push(JSON.parse(Buffer.from(chunk as Uint8Array).toString()));
        this.#wake.resolve();
        return true;
      },
    });
  }

  async next(count: number): Promise<WatchEvent[]> {
    while (this.#events.length < count) {
      this.#wake = Promise.withResolvers();
      await this.#wake.promise;
    }
    return this.#events.splice(0, count);
  }

  close(): Promise<void> {
    this.#stop.abort();
    return this.ended;
  }
}

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
export const signer = new TokenSigner(privateKey, "https://issuer.test");

function callOf(method: string, url: string, body: unknown, options: RequestOptions) {
  const [path = "", search = ""] = url.split("?");
  const query = new URLSearchParams(search);
  const info = parseRequest(method, path, query);
  if (info.kind !== "resource") throw new Error(`${path} is no resource`);
  const warnings: string[] = [];
  const bytes =
    body === undefined ? Buffer.alloc(0) : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const type = method === "PATCH" ? "application/strategic-merge-patch+json" : "application/json";
  const call: Call = {
    info,
    query,
    user: options.user ?? loopback,
    headers: { "content-type": type, ...options.headers },
    signal: options.signal ?? new AbortController().signal,
    body: async () => bytes,
    warn: (text) => void warnings.push(text),
  };
  return { call, warnings };
}

export function configMap(
  name: string,
  data: Record<string, string> = {},
  labels?: Record<string, string>,
): KubeObject {
  return { metadata: { name, ...(labels && { labels }) }, ...(Object.keys(data).length > 0 && { data }) } as KubeObject;
}

export function pod(name: string, spec: object = {}): KubeObject {
  return { metadata: { name }, spec: { containers: [{ name: "main", image: "busybox:1" }], ...spec } } as KubeObject;
}
