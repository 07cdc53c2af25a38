import { fromUtf8, toUtf8 } from "../../../base/mod.ts";
import type { Endpoints, KubeObject } from "../../api/mod.ts";
import type { Registry } from "../registry/served.ts";
import type { Writer } from "../registry/writer.ts";
import type { Store } from "../storage/store.ts";
import { put } from "./ensure.ts";

const PREFIX = "/registry/masterleases/";
/** Who has not been heard of for so long is not led to any more. */
const TTL_SECONDS = 15;

export interface EndpointOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly writer: Writer;
  /** This server's own: several may share an address, each behind its own door to it. */
  readonly identity: string;
  readonly address: string;
  readonly port: number;
}

/**
 * Where the Service `kubernetes` leads: to the API servers that live. Each keeps a key under a lease of the store, and each
 * makes Endpoints and EndpointSlice say what the keys say (kubernetes pkg/controlplane/reconcilers/lease.go).
 */
export class KubernetesEndpoints {
  readonly #options: EndpointOptions;
  /** A reconciliation that is under way must not put back what `leave` takes away. */
  #running: Promise<void> = Promise.resolve();
  #left = false;

  constructor(options: EndpointOptions) {
    this.#options = options;
  }

  /** To be called more often than the lease ends. */
  reconcile(): Promise<void> {
    this.#running = this.#running
      .catch(() => undefined) // told to whoever asked for it
      .then(async () => {
        if (this.#left) return;
        await this.#announce();
        await this.#publish();
      });
    return this.#running;
  }

  /** Leads nobody here any more. The last server stays listed: without any address, clients would have nothing to retry. */
  async leave(): Promise<void> {
    this.#left = true;
    await this.#running.catch(() => undefined); // what it failed at is not wanted any more
    const { store } = this.#options;
    const mine = await store.get(this.#key);
    if (mine !== undefined) await store.delete(this.#key, mine.modRevision);
    await this.#publish();
  }

  get #key(): string {
    const { address, identity } = this.#options;
    return `${PREFIX}${address}/${identity}`;
  }

  async #announce(): Promise<void> {
    const { store, address, port } = this.#options;
    const lease = await store.grantLease(TTL_SECONDS);
    const value = {
      kind: "Endpoints",
      apiVersion: "v1",
      metadata: {},
      subsets: [{ addresses: [{ ip: address }], ports: portsOf(port) }],
    };
    for (let expected = (await store.get(this.#key))?.modRevision ?? 0; ; ) {
      const written = await store.put(this.#key, toUtf8(JSON.stringify(value)), expected, lease);
      if (written.ok) return;
      expected = written.current?.modRevision ?? 0;
    }
  }

  async #publish(): Promise<void> {
    const { store, registry, writer, port } = this.#options;
    const live = await store.range(PREFIX);
    if (!live.ok) return;
    const addresses = new Set<string>();
    for (const { value } of live.items) {
      const ip = (JSON.parse(fromUtf8(value)) as Endpoints).subsets?.[0]?.addresses?.[0]?.ip;
      if (ip !== undefined) addresses.add(ip);
    }
    if (addresses.size === 0) return;
    const sorted = [...addresses].sort();
    const mirrored = { "endpointslice.kubernetes.io/skip-mirror": "true" };
    await put(registry.need("", "v1", "endpoints"), writer, {
      apiVersion: "v1",
      kind: "Endpoints",
      metadata: { name: "kubernetes", namespace: "default", labels: mirrored },
      subsets: [{ addresses: sorted.map((ip) => ({ ip })), ports: portsOf(port) }],
    } as KubeObject);
    await put(registry.need("discovery.k8s.io", "v1", "endpointslices"), writer, {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "kubernetes", namespace: "default", labels: { "kubernetes.io/service-name": "kubernetes" } },
      addressType: "IPv4",
      endpoints: sorted.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
      ports: portsOf(port),
    } as KubeObject);
  }
}

const portsOf = (port: number) => [{ name: "https", port, protocol: "TCP" }];
