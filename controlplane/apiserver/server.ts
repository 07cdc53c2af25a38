import { createPrivateKey, randomInt } from "node:crypto";
import type { Clock, Log, Random } from "../../base/mod.ts";
import * as etcdClient from "../../kvstore/client/mod.ts";
import { type Pod, type Service, servedResources } from "../api/mod.ts";
import { EscalationGuard } from "./admission/escalation.ts";
import { hooksFor } from "./admission/hooks.ts";
import { AddressRange, parsePortRange } from "./allocate/service-range.ts";
import { ServiceAllocator } from "./allocate/services.ts";
import { Authenticator, type TokenBindings } from "./auth/authenticate.ts";
import { CachedPolicy } from "./auth/policy-source.ts";
import { RbacAuthorizer } from "./auth/rbac.ts";
import { TokenSigner } from "./auth/tokens.ts";
import { ensureKubernetesService, ensureNamespaces } from "./bootstrap/objects.ts";
import { reconcilePolicy } from "./bootstrap/policy.ts";
import { ResourceHandlers } from "./handlers/resources.ts";
import { App } from "./http/app.ts";
import { type Listener, listen } from "./http/listener.ts";
import { Metrics } from "./metrics.ts";
import type { ApiServer, ApiServerOptions } from "./options.ts";
import { Discovery } from "./paths/discovery.ts";
import type { HealthCheck } from "./paths/health.ts";
import { answerPath } from "./paths/paths.ts";
import { versionInfo } from "./paths/version.ts";
import { Deleter } from "./registry/deleter.ts";
import { Registry } from "./registry/served.ts";
import { Writer } from "./registry/writer.ts";
import { questionHandlers } from "./reviews/questions.ts";
import { Compactor } from "./storage/compactor.ts";
import { EtcdStore } from "./storage/etcd-store.ts";
import type { Store } from "./storage/store.ts";
import { subresourceHandlers } from "./subresources/subresources.ts";

const DEFAULT_ISSUER = "https://kubernetes.default.svc.cluster.local";
const REPAIR_EVERY_MS = 3 * 60_000;

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, fire) => {
    const timer = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
const random: Random = { below: (bound) => randomInt(bound) };

/** Starts an API server. It answers as soon as this resolves; `ready` says when the cluster's own objects are there. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { log } = options;
  const addresses = new AddressRange(options.serviceClusterIPRange ?? "10.96.0.0/16");
  const ports = parsePortRange(options.nodePortRange ?? "30000-32767");
  const { privateKey, issuer = DEFAULT_ISSUER } = options.serviceAccountKey;
  const signer = new TokenSigner(createPrivateKey(privateKey), issuer);
  const store = options.store ?? connectStore(options, log);

  const registry = new Registry({ store, clock, log, resources: servedResources });
  const policy = new CachedPolicy(registry);
  const authorizer = new RbacAuthorizer(policy);
  const services = new ServiceAllocator({ store, addresses, ports, random: (bound) => random.below(bound) });
  const hooksOf = hooksFor({ registry, services, escalation: new EscalationGuard(authorizer), random });
  const writer = new Writer({ clock, random, hooksOf });
  const deleter = new Deleter({ clock, hooksOf });
  const bindings = tokenBindings(registry);
  const authenticator = new Authenticator({ tokens: signer, bindings, now: () => clock.now() });
  const metrics = new Metrics();
  const stopping = new AbortController();

  const resources = new ResourceHandlers({
    registry,
    writer,
    deleter,
    hooksOf,
    questions: questionHandlers({ authorizer, authenticator, registry, writer, issuer, now: () => clock.now() }),
    subresources: subresourceHandlers({
      registry,
      writer,
      deleter,
      kubelet: options.kubeletClientTls,
      now: () => clock.now(),
      tokens: {
        signer,
        bindings,
        now: () => clock.now(),
        nodeOf: (namespace, pod) => nodeOf(registry, namespace, pod),
      },
    }),
  });

  const started = { ready: false };
  let port = options.listen.port;
  const discovery = new Discovery(servedResources, () => `${advertised(options)}:${port}`);
  const app = new App({
    authenticator,
    authorizer,
    log,
    metrics,
    stopping: stopping.signal,
    resource: (call) => resources.handle(call),
    path: (call) =>
      answerPath(
        {
          discovery,
          checks: healthChecks(store, started, stopping.signal),
          version: versionInfo(options.kubernetesVersion ?? "v1.33.1"),
          metrics: () => metrics.render(gauges(registry, app)),
          issuer,
          jwks: () => signer.jwks(),
        },
        call,
      ),
  });

  const compactor = new Compactor(store, { clock, log });
  const listeners = await openListeners(options, app);
  port = listeners[0]?.port ?? port;
  const repair = async () => {
    const all = registry.need("", "v1", "services");
    await all.lister.reach("");
    await services.repair([...all.cache.entries(all.prefix(""))].map(([, service]) => service as Service));
  };
  const repairs = setInterval(
    () => repair().catch((error: unknown) => log("warn", "cannot repair service ranges", { error: String(error) })),
    REPAIR_EVERY_MS,
  );

  const ready = (async () => {
    const caches = ["namespaces", "serviceaccounts"].map((plural) => registry.need("", "v1", plural).cache.start());
    await Promise.all([policy.start(), ...caches]);
    await ensureNamespaces({ registry, writer });
    await reconcilePolicy(registry, writer);
    await repair();
    await ensureKubernetesService({
      registry,
      writer,
      advertise: { address: advertised(options), port },
      serviceAddress: addresses.address(0),
    });
    compactor.start();
    started.ready = true;
    log("info", "ready", { port });
  })();

  let stopped: Promise<void> | undefined;
  const stop = async () => {
    log("info", "stopping");
    stopping.abort();
    clearInterval(repairs);
    compactor.stop();
    await Promise.all(listeners.map((listener) => listener.close(options.shutdownGraceMs ?? 10_000)));
    registry.close();
    if (options.store === undefined) await store.close();
  };
  ready.catch((error: unknown) => log("error", "cannot become ready", { error: String(error) }));
  return { port, ready, stop: () => (stopped ??= stop()) };
}

function connectStore({ etcdServers, etcdTls }: ApiServerOptions, log: Log): Store {
  const { connect } = etcdClient as unknown as {
    connect: (options: etcdClient.EtcdClientOptions) => etcdClient.EtcdClient;
  };
  return new EtcdStore(connect({ endpoints: etcdServers, ...(etcdTls && { tls: etcdTls }), log }), log);
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

function tokenBindings(registry: Registry): TokenBindings {
  return {
    uidOf: async (resource, namespace, name) => {
      const served = registry.need("", "v1", resource);
      const key = served.key(namespace, name);
      const object = served.cache.get(key) ?? (await served.objects.get(key));
      return object?.metadata.uid;
    },
  };
}

async function nodeOf(registry: Registry, namespace: string, name: string) {
  const pods = registry.need("", "v1", "pods");
  const pod = (await pods.objects.get(pods.key(namespace, name))) as unknown as Pod | undefined;
  if (!pod?.spec.nodeName) return undefined;
  const nodes = registry.need("", "v1", "nodes");
  const node = await nodes.objects.get(nodes.key("", pod.spec.nodeName));
  return { name: pod.spec.nodeName, uid: node?.metadata.uid ?? "" };
}

function healthChecks(store: Store, started: { readonly ready: boolean }, stopping: AbortSignal): HealthCheck[] {
  const fine = () => Promise.resolve();
  const etcd = async () => void (await store.revision());
  return [
    { name: "ping", check: fine },
    { name: "log", check: fine },
    { name: "etcd", check: etcd },
    { name: "etcd-readiness", readyOnly: true, check: etcd },
    {
      name: "informer-sync",
      readyOnly: true,
      check: () => (started.ready ? fine() : Promise.reject(new Error("the watch caches are being filled"))),
    },
    {
      name: "poststarthook/rbac/bootstrap-roles",
      check: () => (started.ready ? fine() : Promise.reject(new Error("not finished"))),
    },
    {
      name: "shutdown",
      readyOnly: true,
      check: () => (stopping.aborted ? Promise.reject(new Error("process is shutting down")) : fine()),
    },
  ];
}

function gauges(registry: Registry, app: App): Record<string, number> {
  const values: Record<string, number> = {
    apiserver_current_inflight_requests: app.open,
    process_resident_memory_bytes: process.memoryUsage.rss(),
  };
  for (const [prefix, cache] of registry.caches())
    if (cache.started) values[`apiserver_storage_objects{resource="${prefix.replace("/registry/", "")}"}`] = cache.size;
  return values;
}
