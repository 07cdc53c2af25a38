import { type Clock, Deferred, type Log } from "../../base/mod.ts";
import type { EndpointSlice, Service } from "../../controlplane/api/mod.ts";
import { type Client, isAlreadyExists, isNotFound, sleep } from "../../controlplane/client/mod.ts";
import { serviceNameLabel } from "./world.ts";

export interface PublisherOptions {
  readonly client: Client;
  readonly log: Log;
  readonly clock: Clock;
  readonly nodeName: string;
  readonly nodeIP: string;
  readonly port: number;
  readonly clusterIP: string;
}

const namespace = "kube-system";
const serviceName = "kube-dns";
const retryMs = 1_000;
/** How often it is looked whether the objects are still there. */
const againMs = 30_000;
/** An API server that is there answers sooner; when the whole cluster stops, it has often gone before. */
const farewellMs = 250;

/** Whoever needs the name server finds it behind this Service; each node's pods are answered by their own node. */
function kubeDns(clusterIP: string): Service {
  const labels = { "k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS" };
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: serviceName, namespace, labels },
    spec: {
      clusterIP,
      clusterIPs: [clusterIP],
      type: "ClusterIP",
      internalTrafficPolicy: "Local",
      ports: [
        { name: "dns", port: 53, protocol: "UDP", targetPort: 53 },
        { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: 53 },
      ],
    },
  } as Service;
}

/** Keeps the objects by which this node's DNS server is found: the Service all nodes share, and an EndpointSlice of this node's own. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #stopping = new AbortController();
  readonly #published = new Deferred<void>();
  #running: Promise<void> | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Resolves when the objects are there for the first time; never, when that does not come to pass. */
  get published(): Promise<void> {
    return this.#published.promise;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Tells that this node no longer answers, if the API server can be told. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the DNS server stops"));
    await this.#running;
    const { clock, log } = this.#options;
    const late = new AbortController();
    const timer = clock.after(farewellMs, () => late.abort(new Error("no answer in time")));
    try {
      await this.#putSlice(false, late.signal);
    } catch (error) {
      log("info", "could not tell that DNS stops here", { error: (error as Error).message });
    } finally {
      timer.cancel();
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      let waitMs = againMs;
      try {
        await this.#ensureService(signal);
        await this.#putSlice(true, signal);
        this.#published.resolve();
      } catch (error) {
        if (signal.aborted) return;
        log("warn", "could not publish the DNS server; trying again", { error: (error as Error).message });
        waitMs = retryMs;
      }
      await sleep(clock, waitMs, signal).catch(() => undefined); // Rejects only for the signal, which the loop sees.
    }
  }

  async #ensureService(signal: AbortSignal): Promise<void> {
    const { client, clusterIP } = this.#options;
    try {
      await client.services.get(namespace, serviceName, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      // Another node's agent may be as quick.
      await client.services.create(kubeDns(clusterIP), { signal }).catch((refusal: unknown) => {
        if (!isAlreadyExists(refusal)) throw refusal;
      });
    }
  }

  async #putSlice(ready: boolean, signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    const wanted = await this.#slice(ready, signal);
    try {
      const known = await client.endpointSlices.get(namespace, wanted.metadata.name as string, { signal });
      if (says(known) === says(wanted)) return;
      const metadata = {
        ...known.metadata,
        labels: wanted.metadata.labels,
        ownerReferences: wanted.metadata.ownerReferences,
      };
      await client.endpointSlices.update({ ...wanted, metadata }, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      if (ready) await client.endpointSlices.create(wanted, { signal });
    }
  }

  async #slice(ready: boolean, signal: AbortSignal): Promise<EndpointSlice> {
    const { client, nodeName, nodeIP, port } = this.#options;
    // Owned by the Node: a node that is taken away takes its slice along.
    const node = await client.nodes.get(nodeName, { signal });
    return {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: `${serviceName}-${nodeName}`,
        namespace,
        labels: {
          [serviceNameLabel]: serviceName,
          "endpointslice.kubernetes.io/managed-by": "dns.flotilla.dev",
          "k8s-app": "kube-dns",
        },
        ownerReferences: [{ apiVersion: "v1", kind: "Node", name: nodeName, uid: node.metadata.uid as string }],
      },
      addressType: nodeIP.includes(":") ? "IPv6" : "IPv4",
      endpoints: [{ addresses: [nodeIP], conditions: { ready, serving: ready, terminating: !ready }, nodeName }],
      ports: [
        { name: "dns", port, protocol: "UDP" },
        { name: "dns-tcp", port, protocol: "TCP" },
      ],
    } as EndpointSlice;
  }
}

/** What a slice tells about the server, in one string to compare. */
function says({ metadata, endpoints = [], ports = [] }: EndpointSlice): string {
  return JSON.stringify([
    metadata.labels?.[serviceNameLabel],
    metadata.ownerReferences?.map(({ uid }) => uid),
    endpoints.map(({ addresses, conditions, nodeName }) => [addresses, conditions?.ready, nodeName]),
    ports.map(({ name, port, protocol }) => [name, port, protocol]),
  ]);
}
