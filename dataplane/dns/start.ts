import { BlockList } from "node:net";
import type { Clock, Log } from "../../base/mod.ts";
import { type Client, InformerFactory, systemClock } from "../../controlplane/client/mod.ts";
import type { Authority } from "./answer.ts";
import { Forwarder } from "./forward.ts";
import { canonical } from "./names.ts";
import { Publisher } from "./publish.ts";
import { Resolver } from "./resolver.ts";
import { type ListenAddress, type Listening, listen } from "./server.ts";
import { addIndexes, worldOf } from "./world.ts";

export interface StartDnsOptions {
  readonly client: Client;
  readonly log: Log;
  readonly nodeName: string;
  /** The address at which Service kube-dns finds this server. */
  readonly nodeIP: string;
  /** Port 0: any free one. The first one's port is published. */
  readonly listen: readonly ListenAddress[];
  /** For example `cluster.local`. */
  readonly clusterDomain: string;
  /** IPv4. Its tenth address is that of Service kube-dns. */
  readonly serviceCIDR: string;
  /** `host` or `host:port` of servers for all other names, tried in this order; none: such names are refused. */
  readonly upstream: readonly string[];
  readonly clock?: Clock;
}

export interface RunningDns {
  /** In the order of `listen`. */
  readonly ports: readonly number[];
  /** Resolves when the cluster's names are answered; until then they are SERVFAIL. */
  readonly synced: Promise<void>;
  /** Resolves when Service kube-dns leads here; stays pending while the API server or this node's Node is missing. */
  readonly published: Promise<void>;
  stop(): Promise<void>;
}

/** The conventional tenth address of the Services' range. */
function tenthAddress(cidr: string): string {
  const octets = (cidr.split("/")[0] ?? "").split(".").map(Number);
  const sum = octets.reduce((value, octet) => value * 256 + octet, 0) + 10;
  return [24, 16, 8, 0].map((shift) => Math.floor(sum / 2 ** shift) % 256).join(".");
}

function authorityOf(clusterDomain: string, serviceCIDR: string): Authority {
  const range = new BlockList();
  const [network = "", prefix = "32"] = serviceCIDR.split("/");
  range.addSubnet(network, Number(prefix));
  return {
    zone: canonical(clusterDomain),
    serverAddress: tenthAddress(serviceCIDR),
    isServiceAddress: (address) => range.check(address),
  };
}

async function listenAll(
  addresses: readonly ListenAddress[],
  respond: Parameters<typeof listen>[1],
  log: Log,
): Promise<Listening[]> {
  const open: Listening[] = [];
  try {
    for (const address of addresses) open.push(await listen(address, respond, log));
    return open;
  } catch (error) {
    await Promise.all(open.map((one) => one.close()));
    throw error;
  }
}

/** Serves the cluster's names, and those of others by way of `upstream`, over UDP and TCP, and publishes the server behind Service kube-dns. */
export async function startDns(options: StartDnsOptions): Promise<RunningDns> {
  const { client, log, clock = systemClock, nodeName, nodeIP } = options;
  const authority = authorityOf(options.clusterDomain, options.serviceCIDR);
  const informers = new InformerFactory({ log, clock });
  const namespaces = informers.informer(client.namespaces);
  const services = informers.informer(client.services);
  const slices = informers.informer(client.endpointSlices);
  addIndexes(services, slices);
  const forwarder = new Forwarder({ upstream: options.upstream, clock, log });
  const resolver = new Resolver({
    world: worldOf(namespaces.lister, services.lister, slices.lister),
    authority,
    forwarder,
    log,
    isSynced: () => namespaces.hasSynced && services.hasSynced && slices.hasSynced,
  });
  const open = await listenAll(options.listen, (query, transport) => resolver.resolve(query, transport), log);
  const ports = open.map(({ port }) => port);
  const stopping = new AbortController();
  informers.start(stopping.signal);
  const publisher = new Publisher({
    client,
    log,
    clock,
    nodeName,
    nodeIP,
    port: ports[0] ?? 53,
    clusterIP: authority.serverAddress,
  });
  const synced = informers.synced(stopping.signal).then(() => publisher.start());
  synced.catch(() => undefined); // Stopped before the first list: whoever waits for `synced` hears of it.
  return {
    ports,
    synced,
    published: publisher.published,
    async stop() {
      await publisher.stop();
      stopping.abort(new Error("the DNS server stops"));
      forwarder.stop();
      await Promise.all(open.map((one) => one.close()));
      await informers.stopped();
    },
  };
}
