import type { Clock, Log, Random, Timer } from "../../base/mod.ts";
import { type Client, InformerFactory, systemClock, systemRandom } from "../../controlplane/client/mod.ts";
import { Balancer } from "./endpoints.ts";
import type { Timeouts } from "./forward.ts";
import { keepAliveAgent } from "./http1-call.ts";
import { Http2Sessions } from "./http2-call.ts";
import { IngressProxy, type Listener } from "./proxy.ts";
import { ingressClassesOf, ingressesOf } from "./resources.ts";
import { RoutingTable } from "./routing.ts";
import { ensureClass, publishAddress } from "./status.ts";
import { Certificates, selfSignedPair } from "./tls.ts";

export interface StartIngressOptions {
  readonly client: Client;
  readonly log: Log;
  readonly http: readonly Listener[];
  readonly https: readonly Listener[];
  /** An address or name where clients reach the listeners; written into every Ingress's status. */
  readonly statusAddress: string;
  /** Of the classes carried out. Default `flotilla.dev/ingress`. */
  readonly controllerName?: string;
  readonly timeouts?: Timeouts;
  /** How long `stop` waits for requests under way. Default 25 s. */
  readonly graceMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface RunningIngress {
  /** In the order of the options. */
  readonly httpPorts: readonly number[];
  readonly httpsPorts: readonly number[];
  /** Listeners closed, requests under way finished. */
  stop(): Promise<void>;
}

/** Changes that come within this time of each other are applied together. */
const gatherMs = 10;
const retryAfterMs = 1_000;
const usualTimeouts: Timeouts = { connectMs: 5_000, responseMs: 60_000 };

/**
 * Leads HTTP requests to Services as Ingresses say. Listens only when it knows all objects, so that a restart answers no request with a
 * 404 that a moment later would have gone somewhere.
 */
export async function startIngress(options: StartIngressOptions): Promise<RunningIngress> {
  const { client, log, clock = systemClock, random = systemRandom, statusAddress } = options;
  const { controllerName = "flotilla.dev/ingress", timeouts = usualTimeouts, graceMs = 25_000 } = options;
  const stopping = new AbortController();
  const informers = new InformerFactory({ log, clock, random });
  const ingresses = informers.informer(ingressesOf(client));
  const classes = informers.informer(ingressClassesOf(client));
  const services = informers.informer(client.services);
  const slices = informers.informer(client.endpointSlices);
  const secrets = informers.informer(client.secrets, { fieldSelector: "type=kubernetes.io/tls" });
  const certificates = new Certificates(log);

  let table = new RoutingTable({ ingresses: [], classes: [], services: [], slices: [] }, controllerName);
  let timer: Timer | undefined;
  let publishing = Promise.resolve();
  let live = false;
  const apply = () => {
    table = new RoutingTable(
      {
        ingresses: ingresses.lister.list(),
        classes: classes.lister.list(),
        services: services.lister.list(),
        slices: slices.lister.list(),
      },
      controllerName,
    );
    certificates.update(table.tls, (namespace, name) => secrets.lister.get(namespace, name));
  };
  const publish = () => {
    const { ingresses: ours } = table;
    publishing = publishing
      .then(() => (stopping.signal.aborted ? undefined : publishAddress(ingressesOf(client), ours, statusAddress)))
      .catch((error: Error) => {
        log("warn", "could not write the address of an Ingress; trying again", { error: error.message });
        schedule(retryAfterMs);
      });
  };
  const schedule = (afterMs = gatherMs) => {
    if (!live || stopping.signal.aborted || timer !== undefined) return;
    timer = clock.after(afterMs, () => {
      timer = undefined;
      apply();
      publish();
    });
  };
  const changed = () => schedule();
  for (const informer of [ingresses, classes, services, slices, secrets]) {
    informer.addHandler({ onAdd: changed, onUpdate: changed, onDelete: changed });
  }

  const upstreams = {
    balancer: new Balancer(),
    agent: keepAliveAgent(),
    sessions: new Http2Sessions(log),
    timeouts,
    clock,
    log,
  };
  const proxy = new IngressProxy(() => table, upstreams);
  const stop = async (waitMs: number) => {
    // The watches go on while requests are finished: their retries must find the newest endpoints.
    await proxy.stop(waitMs);
    stopping.abort(new Error("the ingress stops"));
    timer?.cancel();
    await publishing;
    await informers.stopped();
  };
  informers.start(stopping.signal);
  try {
    await informers.synced(stopping.signal);
    await ensureClass(ingressClassesOf(client), classes.lister.list(), controllerName);
    live = true;
    apply();
    publish();
    const fallback = await selfSignedPair(clock.now());
    const httpPorts: number[] = [];
    const httpsPorts: number[] = [];
    for (const listener of options.http) httpPorts.push(await proxy.listenHttp(listener));
    for (const listener of options.https) {
      httpsPorts.push(await proxy.listenHttps(listener, certificates, fallback));
    }
    return { httpPorts, httpsPorts, stop: () => stop(graceMs) };
  } catch (error) {
    await stop(0);
    throw error;
  }
}
