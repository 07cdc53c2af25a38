import { createPrivateKey, createPublicKey } from "node:crypto";
import { hostname } from "node:os";
import { type Log, pause } from "../../base/mod.ts";
import { connect } from "../../kvstore/client/mod.ts";
import { metricsResources, type Service, servedResources } from "../api/mod.ts";
import { AddressRange, parsePortRange } from "./allocate/service-range.ts";
import { TokenSigner } from "./auth/tokens.ts";
import { KubernetesEndpoints } from "./bootstrap/endpoints.ts";
import { loopbackContext } from "./bootstrap/ensure.ts";
import { ServerIdentity } from "./bootstrap/identity.ts";
import { ensureClusterObjects, ensureNamespaces } from "./bootstrap/objects.ts";
import { reconcilePolicy } from "./bootstrap/policy.ts";
import { createCore } from "./core.ts";
import { Housekeeping } from "./housekeeping.ts";
import { App } from "./http/app.ts";
import { defaultLimits, InFlight } from "./http/in-flight.ts";
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
import { EncryptedStore } from "./storage/encryption/encrypted-store.ts";
import { EtcdStore } from "./storage/etcd-store.ts";
import type { Store } from "./storage/store.ts";

const DEFAULT_ISSUER = "https://kubernetes.default.svc.cluster.local";
const DEFAULT_SERVICE_RANGE = "10.96.0.0/16";
const REPAIR_EVERY_MS = 3 * 60_000;
/** Clients may delete what every cluster has: it comes back. */
const CLUSTER_OBJECTS_EVERY_MS = 10_000;
const HEARTBEAT_EVERY_MS = 10_000;
/** A store that is gone too must not hold up the end: the lease takes the endpoint away then. */
const LEAVE_PATIENCE_MS = 3_000;
const EXPIRED_LEASES_EVERY_MS = 3_600_000;

/**
 * Starts an API server. It listens as soon as this resolves; `ready` says when the cluster's own objects are there, and
 * until then requests for resources wait.
 */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { log } = options;
  const addresses = new AddressRange(options.serviceClusterIPRange ?? DEFAULT_SERVICE_RANGE);
  const ports = parsePortRange(options.nodePortRange ?? "30000-32767");
  const { privateKey, issuer = DEFAULT_ISSUER, retired = [] } = options.serviceAccountKey;
  // createPublicKey also takes private keys, of which it keeps the public part.
  const signer = new TokenSigner(createPrivateKey(privateKey), issuer, retired.map(createPublicKey));
  const kept = options.store ?? connectStore(options, log);
  const encryption = await openEncryption(options);
  const store = encryption === undefined ? kept : new EncryptedStore(kept, encryption.transformerOf);

  const version = versionInfo(options.kubernetesVersion);
  const kubelet = options.kubeletClientTls;
  const minor = Number.parseInt(version.minor, 10);
  const { disabledAdmissionPlugins: disabledPlugins = [] } = options;
  const core = createCore({ store, clock, log, random, addresses, ports, signer, kubelet, minor, disabledPlugins });
  const { registry, policy, authorizer, authenticator, services, writer, deleter, resources } = core;
  const metrics = new Metrics();
  const audit = await openAudit(options);
  const stopping = new AbortController();

  let isReady = false;
  let leaving = false;
  let port = options.listen.port;
  const discovery = new Discovery([...servedResources, ...metricsResources], () => `${advertised(options)}:${port}`);
  const checks = healthChecks(
    store,
    () => isReady,
    () => leaving,
  );
  const openApi = new OpenApi(servedResources, options.kubernetesVersion);
  const opened = Promise.withResolvers<void>();
  opened.promise.catch(() => undefined); // Told by `ready`; here it must only not go unheard.
  const app: App = new App({
    authenticator,
    authorizer,
    log,
    metrics,
    stopping: stopping.signal,
    inFlight: new InFlight({ ...defaultLimits, ...options.inFlight }),
    ...(audit && { auditor: audit.auditor }),
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
  const advertise = { address: advertised(options), port: options.advertisePort ?? port };
  const clusterObjects = async () => {
    await ensureNamespaces({ registry, writer });
    await ensureClusterObjects({
      registry,
      writer,
      serviceRange: options.serviceClusterIPRange ?? DEFAULT_SERVICE_RANGE,
      serviceAddress: addresses.address(0),
      port: advertise.port,
      clientCa: options.tls.clientCa,
    });
  };
  const identity = new ServerIdentity({ registry, writer, host: hostname(), port, now: () => clock.now() });
  // A server that only its own machine can reach leads nowhere: loopback addresses mean something else to everybody who
  // would read them.
  const endpoints = advertise.address.startsWith("127.")
    ? undefined
    : new KubernetesEndpoints({ store, registry, writer, identity: identity.name, ...advertise });
  const heartbeat = async () => {
    await identity.renew();
    await endpoints?.reconcile();
  };
  const removeExpired = async () => {
    const leases = registry.need("coordination.k8s.io", "v1", "leases");
    for (const name of await identity.expired()) await deleter.delete(leases, "kube-system", name, {}, loopbackContext);
  };
  const ready = (async () => {
    const caches = ["namespaces", "serviceaccounts"].map((plural) => registry.need("", "v1", plural).cache.start());
    await Promise.all([policy.start(), ...caches]);
    await ensureNamespaces({ registry, writer });
    await reconcilePolicy(registry, writer);
    await repair();
    await clusterObjects();
    await heartbeat();
    housekeeping.add({ name: "service ranges", everyMs: REPAIR_EVERY_MS, run: repair });
    housekeeping.add({ name: "cluster objects", everyMs: CLUSTER_OBJECTS_EVERY_MS, run: clusterObjects });
    housekeeping.add({ name: "heartbeat", everyMs: HEARTBEAT_EVERY_MS, run: heartbeat });
    housekeeping.add({ name: "expired servers", everyMs: EXPIRED_LEASES_EVERY_MS, run: removeExpired });
    housekeeping.add({ name: "compaction", everyMs: Compactor.intervalMs, run: () => compactor.round() });
    isReady = true;
    log("info", "ready", { port });
  })();

  let stopped: Promise<void> | undefined;
  const stop = async () => {
    log("info", "stopping");
    leaving = true; // /readyz says so from here on, while everything is still answered
    housekeeping.stop();
    const left = endpoints?.leave().catch((error: unknown) => {
      log("warn", "still listed as an endpoint", { error: String(error) });
    });
    await Promise.race([left, pause(clock, LEAVE_PATIENCE_MS)]);
    if (options.shutdownDelayMs) await pause(clock, options.shutdownDelayMs);
    stopping.abort();
    await Promise.all(listeners.map((listener) => listener.close(options.shutdownGraceMs ?? 10_000)));
    registry.close();
    encryption?.close();
    await audit?.close();
    if (options.store === undefined) await kept.close();
  };
  ready.then(opened.resolve, opened.reject);
  ready.catch((error: unknown) => log("error", "cannot become ready", { error: String(error) }));
  return { port, ready, stop: () => (stopped ??= stop()) };
}

function connectStore({ etcdServers, etcdTls }: ApiServerOptions, log: Log): Store {
  return new EtcdStore(connect({ endpoints: etcdServers, ...(etcdTls && { tls: etcdTls }), log }), clock, log);
}

/** Loaded only where it is wanted: most servers keep everything as it is. */
async function openEncryption({ encryptionConfigFile: file, log }: ApiServerOptions) {
  if (file === undefined) return undefined;
  const { RulesFile } = await import("./storage/encryption/rules-file.ts");
  const stored = servedResources.flatMap(({ group, plural, storagePrefix, storedAs }) =>
    storagePrefix === undefined || storedAs !== undefined ? [] : [{ group, plural, storagePrefix }],
  );
  return new RulesFile(file, stored, log);
}

async function openAudit({ audit }: ApiServerOptions) {
  if (audit === undefined) return undefined;
  const [{ parseAuditPolicy }, { Auditor, auditFile }] = await Promise.all([
    import("./audit/policy.ts"),
    import("./audit/auditor.ts"),
  ]);
  const sink = auditFile(audit.logPath);
  const auditor = new Auditor({ policy: parseAuditPolicy(audit.policy), sink, now: () => clock.now() });
  return { auditor, close: () => sink.close() };
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
