import { createPrivateKey, createPublicKey } from "node:crypto";
import type { Log } from "../../base/mod.ts";
import { connect } from "../../kvstore/client/mod.ts";
import { type Service, servedResources } from "../api/mod.ts";
import { AddressRange, parsePortRange } from "./allocate/service-range.ts";
import { TokenSigner } from "./auth/tokens.ts";
import { ensureKubernetesService, ensureNamespaces } from "./bootstrap/objects.ts";
import { reconcilePolicy } from "./bootstrap/policy.ts";
import { createCore } from "./core.ts";
import { Housekeeping } from "./housekeeping.ts";
import { App } from "./http/app.ts";
import { type Listener, listen } from "./http/listener.ts";
import { machineClock as clock, machineRandom as random } from "./machine.ts";
import { Metrics } from "./metrics.ts";
import type { ApiServer, ApiServerOptions } from "./options.ts";
import { gauges, healthChecks } from "./paths/checks.ts";
import { Discovery } from "./paths/discovery.ts";
import { OpenApi } from "./paths/openapi.ts";
import { answerPath } from "./paths/paths.ts";
import { versionInfo } from "./paths/version.ts";
import { Compactor } from "./storage/compactor.ts";
import { EtcdStore } from "./storage/etcd-store.ts";
import type { Store } from "./storage/store.ts";

const DEFAULT_ISSUER = "https://kubernetes.default.svc.cluster.local";
const REPAIR_EVERY_MS = 3 * 60_000;
/** Clients may delete what every cluster has: it comes back. */
const CLUSTER_OBJECTS_EVERY_MS = 10_000;

/**
 * Starts an API server. It listens as soon as this resolves; `ready` says when the cluster's own objects are there, and
 * until then requests for resources wait.
 */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { log } = options;
  const addresses = new AddressRange(options.serviceClusterIPRange ?? "10.96.0.0/16");
  const ports = parsePortRange(options.nodePortRange ?? "30000-32767");
  const { privateKey, issuer = DEFAULT_ISSUER, retired = [] } = options.serviceAccountKey;
  // createPublicKey also takes private keys, of which it keeps the public part.
  const signer = new TokenSigner(createPrivateKey(privateKey), issuer, retired.map(createPublicKey));
  const store = options.store ?? connectStore(options, log);

  const core = createCore({ store, clock, log, random, addresses, ports, signer, kubelet: options.kubeletClientTls });
  const { registry, policy, authorizer, authenticator, services, writer, resources } = core;
  const metrics = new Metrics();
  const stopping = new AbortController();

  let isReady = false;
  let port = options.listen.port;
  const discovery = new Discovery(servedResources, () => `${advertised(options)}:${port}`);
  const checks = healthChecks(store, () => isReady, stopping.signal);
  const version = versionInfo(options.kubernetesVersion);
  const openApi = new OpenApi(servedResources, options.kubernetesVersion);
  const opened = Promise.withResolvers<void>();
  opened.promise.catch(() => undefined); // Told by `ready`; here it must only not go unheard.
  const app: App = new App({
    authenticator,
    authorizer,
    log,
    metrics,
    stopping: stopping.signal,
    resource: (call) => resources.handle(call),
    ready: opened.promise,
    path: (call) =>
      answerPath(
        {
          discovery,
          openApi,
          checks,
          version,
          metrics: () => metrics.render(gauges(registry, app)),
          issuer,
          jwks: () => signer.jwks(),
          signingAlgorithms: signer.algorithms,
        },
        call,
      ),
  });

  const housekeeping = new Housekeeping({ clock, log });
  const compactor = new Compactor(store);
  const listeners = await openListeners(options, app);
  port = listeners[0]?.port ?? port;
  const repair = async () => {
    const all = registry.need("", "v1", "services");
    const { items } = await all.lister.state(all.prefix(""), "");
    await services.repair(items as readonly Service[]);
  };
  const clusterObjects = async () => {
    await ensureNamespaces({ registry, writer });
    const advertise = { address: advertised(options), port };
    await ensureKubernetesService({ registry, writer, advertise, serviceAddress: addresses.address(0) });
  };
  const ready = (async () => {
    const caches = ["namespaces", "serviceaccounts"].map((plural) => registry.need("", "v1", plural).cache.start());
    await Promise.all([policy.start(), ...caches]);
    await ensureNamespaces({ registry, writer });
    await reconcilePolicy(registry, writer);
    await repair();
    await clusterObjects();
    housekeeping.add({ name: "service ranges", everyMs: REPAIR_EVERY_MS, run: repair });
    housekeeping.add({ name: "cluster objects", everyMs: CLUSTER_OBJECTS_EVERY_MS, run: clusterObjects });
    housekeeping.add({ name: "compaction", everyMs: Compactor.intervalMs, run: () => compactor.round() });
    isReady = true;
    log("info", "ready", { port });
  })();

  let stopped: Promise<void> | undefined;
  const stop = async () => {
    log("info", "stopping");
    stopping.abort();
    housekeeping.stop();
    await Promise.all(listeners.map((listener) => listener.close(options.shutdownGraceMs ?? 10_000)));
    registry.close();
    if (options.store === undefined) await store.close();
  };
  ready.then(opened.resolve, opened.reject);
  ready.catch((error: unknown) => log("error", "cannot become ready", { error: String(error) }));
  return { port, ready, stop: () => (stopped ??= stop()) };
}

function connectStore({ etcdServers, etcdTls }: ApiServerOptions, log: Log): Store {
  return new EtcdStore(connect({ endpoints: etcdServers, ...(etcdTls && { tls: etcdTls }), log }), clock, log);
}

async function openListeners(options: ApiServerOptions, app: App): Promise<Listener[]> {
  const { listen: at, unixSocket, tls, log } = options;
  const common = { ...tls, log, handle: app.handle.bind(app) };
  const tcp = await listen({ ...common, at });
  if (unixSocket === undefined) return [tcp];
  return [tcp, await listen({ ...common, at: { unixSocket } })];
}

/** What stands for this server in the cluster: a listening address that is not "any". */
function advertised({ advertiseAddress, listen: { host } }: ApiServerOptions): string {
  if (advertiseAddress !== undefined) return advertiseAddress;
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) && host !== "0.0.0.0" ? host : "127.0.0.1";
}
