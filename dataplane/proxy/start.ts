import { type Clock, type Log, type Random, Syncer } from "../../base/mod.ts";
import { type Client, InformerFactory, systemClock, systemRandom } from "../../controlplane/client/mod.ts";
import { nftablesWork } from "../nftables/mod.ts";
import { HealthCheckServers, healthChecks } from "./health-checks.ts";
import { NftProxier } from "./nftables/nft-proxier.ts";
import type { Proxier } from "./proxier.ts";
import { type HealthzAddress, ProxyHealth } from "./proxy-health.ts";
import { servicePorts } from "./service-ports.ts";
import { UserspaceProxier } from "./userspace/userspace-proxier.ts";

export interface StartProxyOptions {
  readonly client: Client;
  readonly log: Log;
  readonly nodeName: string;
  /** Where node ports and health checks are answered. */
  readonly nodeIP: string;
  /** Addresses of pods: what comes from elsewhere is masqueraded. */
  readonly clusterCIDR: string;
  /** Addresses of Services: connections to those that no Service has are dropped. Unknown: they go where routes lead. */
  readonly serviceCIDR?: string;
  /** `auto` takes nftables where this process may use them. */
  readonly mode: "auto" | "nftables" | "userspace";
  /** False on a network that is not the node's own: nothing there is changed, and Services need loopback addresses. */
  readonly ownNetwork: boolean;
  /** Where `/healthz` and `/livez` tell whether the proxy keeps up; nowhere without. */
  readonly healthz?: HealthzAddress;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface RunningProxy {
  readonly mode: "nftables" | "userspace";
  /** Resolves when every Service known at the start is forwarded. */
  readonly synced: Promise<void>;
  stop(): Promise<void>;
}

async function chooseProxier(
  options: StartProxyOptions,
): Promise<{ proxier: Proxier; mode: "nftables" | "userspace" }> {
  const { log, mode, nodeIP } = options;
  if (mode === "nftables" || (mode === "auto" && (await nftablesWork()))) {
    return { proxier: new NftProxier(options, log), mode: "nftables" };
  }
  if (mode === "auto")
    log("warn", "nftables cannot be used here: Services are forwarded in userspace, backends see the proxy's address");
  return { proxier: new UserspaceProxier(nodeIP, options.ownNetwork, log), mode: "userspace" };
}

const notOurs = "!service.kubernetes.io/service-proxy-name";

/** Forwards connections to Services from the network namespace this process is in, following Services and EndpointSlices. */
export async function startProxy(options: StartProxyOptions): Promise<RunningProxy> {
  const { client, log, clock = systemClock, random = systemRandom, nodeName } = options;
  const { proxier, mode } = await chooseProxier(options);
  const stopping = new AbortController();
  const informers = new InformerFactory({ log, clock, random });
  const services = informers.informer(client.services, { labelSelector: notOurs });
  const headless = "!service.kubernetes.io/headless";
  const slices = informers.informer(client.endpointSlices, { labelSelector: `${notOurs},${headless}` });
  const nodes = informers.informer(client.nodes, { fieldSelector: `metadata.name=${nodeName}` });
  const node = () => nodes.lister.get(undefined, nodeName);
  const zone = () => node()?.metadata.labels?.["topology.kubernetes.io/zone"];
  const health = new ProxyHealth(clock, node);
  const checks = new HealthCheckServers(options.nodeIP, () => health.isHealthy, log);
  const apply = async () => {
    const startedMs = clock.monotonic();
    const ports = servicePorts(services.lister.list(), slices.lister.list(), { node: nodeName, zone: zone() });
    await proxier.sync(ports);
    await checks.sync(healthChecks(ports));
    health.applied(startedMs);
  };
  const syncer = new Syncer(apply, {
    clock,
    log,
    complaint: "could not apply the Services",
    gatherMs: 10,
    retryMs: 1_000,
  });
  // Before all lists are in, a sync would take working Services away.
  const changed = () => {
    health.changed();
    if (services.hasSynced && slices.hasSynced && nodes.hasSynced) syncer.changed();
  };
  for (const informer of [services, slices])
    informer.addHandler({ onAdd: changed, onUpdate: changed, onDelete: changed });
  let lastZone: string | undefined;
  const moved = () => {
    if (zone() === lastZone) return;
    lastZone = zone();
    changed();
  };
  nodes.addHandler({ onAdd: moved, onUpdate: moved });
  if (options.healthz !== undefined) await health.listen(options.healthz, log);
  informers.start(stopping.signal);
  const synced = informers.synced(stopping.signal).then(() => syncer.now());
  synced.catch(() => undefined); // Stopped before the first list: whoever waits for `synced` hears of it.
  return {
    mode,
    synced,
    async stop() {
      stopping.abort(new Error("the proxy stops"));
      await syncer.stop();
      await Promise.all([checks.stop(), health.stop()]);
      await proxier.stop();
      await informers.stopped();
    },
  };
}
