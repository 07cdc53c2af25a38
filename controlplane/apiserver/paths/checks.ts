import type { App } from "../http/app.ts";
import type { Registry } from "../registry/served.ts";
import type { Store } from "../storage/store.ts";
import type { HealthCheck } from "./health.ts";

/** What /livez and /readyz ask. `isReady`: everything every cluster has is there; `isLeaving`: it stops soon. */
export function healthChecks(store: Store, isReady: () => boolean, isLeaving: () => boolean): HealthCheck[] {
  const require = (holds: boolean, otherwise: string) =>
    holds ? Promise.resolve() : Promise.reject(new Error(otherwise));
  const fine = () => Promise.resolve();
  const etcd = async () => void (await store.revision());
  return [
    { name: "ping", check: fine },
    { name: "log", check: fine },
    { name: "etcd", check: etcd },
    { name: "etcd-readiness", readyOnly: true, check: etcd },
    { name: "informer-sync", readyOnly: true, check: () => require(isReady(), "the watch caches are being filled") },
    { name: "poststarthook/rbac/bootstrap-roles", check: () => require(isReady(), "not finished") },
    { name: "shutdown", readyOnly: true, check: () => require(!isLeaving(), "process is shutting down") },
  ];
}

/** What /metrics reads at the moment of asking. */
export function gauges(registry: Registry, app: App): Record<string, number> {
  const values: Record<string, number> = {
    apiserver_current_inflight_requests: app.open,
    process_resident_memory_bytes: process.memoryUsage.rss(),
  };
  for (const [prefix, cache] of registry.caches())
    if (cache.started) values[`apiserver_storage_objects{resource="${prefix.replace("/registry/", "")}"}`] = cache.size;
  return values;
}
