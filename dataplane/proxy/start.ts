import type { Clock, Log, Random, Timer } from "../../base/mod.ts";
import { type Client, InformerFactory, systemClock, systemRandom } from "../../controlplane/client/mod.ts";
import { NftProxier, nftablesWork } from "./nftables/nft-proxier.ts";
import type { Proxier } from "./proxier.ts";
import { servicePorts } from "./service-ports.ts";
import { UserspaceProxier } from "./userspace/userspace-proxier.ts";

export interface StartProxyOptions {
  readonly client: Client;
  readonly log: Log;
  readonly nodeName: string;
  /** Where node ports are listened on in userspace mode. */
  readonly nodeIP: string;
  /** Addresses of pods: what comes from elsewhere is masqueraded. */
  readonly clusterCIDR: string;
  /** `auto` takes nftables where this process may use them. */
  readonly mode: "auto" | "nftables" | "userspace";
  /** False on a network that is not the node's own: nothing there is changed, and Services need loopback addresses. */
  readonly ownNetwork: boolean;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface RunningProxy {
  readonly mode: "nftables" | "userspace";
  /** Resolves when every Service known at the start is forwarded. */
  readonly synced: Promise<void>;
  stop(): Promise<void>;
}

/** Changes that come within this time of each other are applied together. */
const gatherMs = 10;
const retryAfterMs = 1_000;

/** Applies the newest state whenever something changed, one application at a time. */
class Syncer {
  readonly #apply: () => Promise<void>;
  readonly #clock: Clock;
  readonly #log: Log;
  #timer: Timer | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(apply: () => Promise<void>, clock: Clock, log: Log) {
    this.#apply = apply;
    this.#clock = clock;
    this.#log = log;
  }

  changed(afterMs = gatherMs): void {
    if (this.#stopped || this.#timer !== undefined) return;
    this.#timer = this.#clock.after(afterMs, () => {
      this.#timer = undefined;
      this.#running = this.#running.then(() => this.now());
    });
  }

  async now(): Promise<void> {
    if (this.#stopped) return;
    try {
      await this.#apply();
    } catch (error) {
      this.#log("error", "could not apply the Services; trying again", { error: (error as Error).message });
      this.changed(retryAfterMs);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running;
  }
}

async function chooseProxier(
  options: StartProxyOptions,
): Promise<{ proxier: Proxier; mode: "nftables" | "userspace" }> {
  const { log, mode, clusterCIDR, nodeIP } = options;
  if (mode === "nftables" || (mode === "auto" && (await nftablesWork()))) {
    return { proxier: new NftProxier(clusterCIDR, log), mode: "nftables" };
  }
  if (mode === "auto")
    log("warn", "nftables cannot be used here: Services are forwarded in userspace, backends see the proxy's address");
  return { proxier: new UserspaceProxier(nodeIP, options.ownNetwork, log), mode: "userspace" };
}

/** Forwards connections to Services from the network namespace this process is in, following Services and EndpointSlices. */
export async function startProxy(options: StartProxyOptions): Promise<RunningProxy> {
  const { client, log, clock = systemClock, random = systemRandom, nodeName } = options;
  const { proxier, mode } = await chooseProxier(options);
  const stopping = new AbortController();
  const informers = new InformerFactory({ log, clock, random });
  const services = informers.informer(client.services);
  const slices = informers.informer(client.endpointSlices);
  const apply = () => proxier.sync(servicePorts(services.lister.list(), slices.lister.list(), nodeName));
  const syncer = new Syncer(apply, clock, log);
  for (const informer of [services, slices]) {
    // Before all lists are in, a sync would take working Services away.
    const changed = () => {
      if (services.hasSynced && slices.hasSynced) syncer.changed();
    };
    informer.addHandler({ onAdd: changed, onUpdate: changed, onDelete: changed });
  }
  informers.start(stopping.signal);
  const synced = informers.synced(stopping.signal).then(() => syncer.now());
  synced.catch(() => undefined); // Stopped before the first list: whoever waits for `synced` hears of it.
  return {
    mode,
    synced,
    async stop() {
      stopping.abort(new Error("the proxy stops"));
      await syncer.stop();
      await proxier.stop();
      await informers.stopped();
    },
  };
}
