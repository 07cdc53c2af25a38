import type { Log } from "../../base/mod.ts";
import type {
  APIResourceList,
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  Namespace,
  PersistentVolume,
  PersistentVolumeClaim,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  Service,
  StatefulSet,
  StorageClass,
} from "../api/mod.ts";
import {
  type Client,
  ClusterResourceClient,
  type Informer,
  type InformerFactory,
  isNotFound,
  type KubernetesObject,
  type Lister,
  type ResourceClient,
  Store,
} from "../client/mod.ts";
import { AssumeCache } from "./assume-cache.ts";
import type { Objects } from "./cluster.ts";
import type { ClusterEvent } from "./framework/events.ts";

/** Plurals that the API server serves in a group and version. */
async function servedIn(client: Client, path: string): Promise<Set<string>> {
  try {
    const list = await client.request<APIResourceList>("GET", path);
    return new Set((list.resources ?? []).map(({ name }) => name));
  } catch (error) {
    if (isNotFound(error)) return new Set();
    throw error;
  }
}

/** What the server does not serve is taken to be empty: waiting for its first list would take for ever. */
async function servedKinds(client: Client): Promise<Set<string>> {
  const groups = ["/api/v1", "/apis/apps/v1", "/apis/policy/v1", "/apis/storage.k8s.io/v1"];
  const served = await Promise.all(groups.map((path) => servedIn(client, path)));
  return new Set(served.flatMap((names) => [...names]));
}

const byClass = "storageClass";

/** The objects that plugins look up, kept up to date by informers. */
export class LiveObjects implements Objects {
  readonly #claims: AssumeCache<PersistentVolumeClaim>;
  readonly #volumes: AssumeCache<PersistentVolume>;
  readonly #volumeLister: Lister<PersistentVolume>;
  readonly #storageClasses: Lister<StorageClass>;
  readonly #csiNodes: Lister<CSINode>;
  readonly #csiDrivers: Lister<CSIDriver>;
  readonly #capacities: Lister<CSIStorageCapacity>;
  readonly #namespaces: Lister<Namespace>;
  readonly #services: Lister<Service>;
  readonly #replicationControllers: Lister<ReplicationController>;
  readonly #replicaSets: Lister<ReplicaSet>;
  readonly #statefulSets: Lister<StatefulSet>;
  readonly #budgets: Lister<PodDisruptionBudget>;
  readonly #storageWaiters = new Set<() => void>();

  private constructor(
    client: Client,
    informers: InformerFactory,
    served: ReadonlySet<string>,
    onEvent: (event: ClusterEvent) => void,
  ) {
    const informer = <T extends KubernetesObject>(
      kind: ResourceClient<T> | ClusterResourceClient<T>,
    ): Informer<T> | undefined => {
      const { plural } = (kind instanceof ClusterResourceClient ? kind.resource : kind).definition;
      return served.has(plural) ? informers.informer(kind) : undefined;
    };
    const watch = <T extends KubernetesObject>(
      kind: ResourceClient<T> | ClusterResourceClient<T>,
      see?: (object: T, old?: T) => void,
      lose?: (object: T) => void,
    ): Lister<T> => {
      const found = informer(kind);
      const onUpdate = (old: T, object: T) => see?.(object, old);
      found?.addHandler({ onAdd: (object) => see?.(object), onUpdate, onDelete: lose });
      return found?.lister ?? new Store<T>();
    };
    const capacityKind = { group: "storage.k8s.io", version: "v1", plural: "csistoragecapacities" };
    const capacities = client.resource<CSIStorageCapacity>({
      ...capacityKind,
      kind: "CSIStorageCapacity",
      namespaced: true,
    });

    const claims = watch(
      client.persistentVolumeClaims,
      (claim, old) => {
        this.#claims.see(claim);
        this.#storageChanged();
        onEvent({ kind: "ClaimChange", old, claim });
      },
      (claim) => {
        this.#claims.forget(claim);
        this.#storageChanged();
      },
    );
    this.#claims = new AssumeCache(claims);
    informer(client.persistentVolumes)?.addIndex(byClass, ({ spec }) => [spec?.storageClassName ?? ""]);
    this.#volumeLister = watch(
      client.persistentVolumes,
      (volume, old) => {
        this.#volumes.see(volume);
        this.#storageChanged();
        onEvent({ kind: "VolumeChange", old, volume });
      },
      (volume) => this.#volumes.forget(volume),
    );
    this.#volumes = new AssumeCache(this.#volumeLister);
    this.#storageClasses = watch(client.storageClasses, (storageClass, old) =>
      onEvent({ kind: "StorageClassChange", old, storageClass }),
    );
    this.#csiNodes = watch(client.csiNodes, (csiNode, old) => onEvent({ kind: "CSINodeChange", old, csiNode }));
    this.#csiDrivers = watch(client.csiDrivers, (driver, old) => onEvent({ kind: "CSIDriverChange", old, driver }));
    this.#capacities = watch(capacities, (capacity, old) => onEvent({ kind: "CapacityChange", old, capacity }));
    this.#namespaces = watch(client.namespaces, (namespace, old) =>
      onEvent({ kind: "NamespaceChange", old, namespace }),
    );
    this.#services = watch(client.services);
    this.#replicationControllers = watch(client.replicationControllers);
    this.#replicaSets = watch(client.replicaSets);
    this.#statefulSets = watch(client.statefulSets);
    this.#budgets = watch(client.podDisruptionBudgets);
  }

  /** Asks the server what it has, and registers informers for it; they are started with the rest of the factory's. */
  static async create(
    client: Client,
    informers: InformerFactory,
    log: Log,
    onEvent: (event: ClusterEvent) => void,
  ): Promise<LiveObjects> {
    const served = await servedKinds(client);
    log("debug", "looks up", { kinds: [...served].join(",") });
    return new LiveObjects(client, informers, served, onEvent);
  }

  /** Settles the next time a claim or volume is shown; rejects with the signal's reason. */
  storageChanged(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const settle = () => {
        this.#storageWaiters.delete(settle);
        signal.removeEventListener("abort", settle);
        if (signal.aborted) reject(signal.reason);
        else resolve();
      };
      this.#storageWaiters.add(settle);
      signal.addEventListener("abort", settle, { once: true });
    });
  }

  #storageChanged(): void {
    for (const settle of [...this.#storageWaiters]) settle();
  }

  claim(namespace: string, name: string): PersistentVolumeClaim | undefined {
    return this.#claims.get(`${namespace}/${name}`);
  }

  volume(name: string): PersistentVolume | undefined {
    return this.#volumes.get(name);
  }

  *volumesOfClass(storageClass: string): Iterable<PersistentVolume> {
    if (this.#volumeLister.size === 0) return;
    for (const { metadata } of this.#volumeLister.byIndex(byClass, storageClass)) {
      const volume = this.#volumes.get(metadata.name ?? "");
      if (volume !== undefined) yield volume;
    }
  }

  storageClass(name: string): StorageClass | undefined {
    return this.#storageClasses.getByKey(name);
  }

  csiNode(name: string): CSINode | undefined {
    return this.#csiNodes.getByKey(name);
  }

  csiDriver(name: string): CSIDriver | undefined {
    return this.#csiDrivers.getByKey(name);
  }

  capacities(): Iterable<CSIStorageCapacity> {
    return this.#capacities.list();
  }

  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined {
    return this.#namespaces.getByKey(name)?.metadata.labels;
  }

  services(namespace: string): Iterable<Service> {
    return this.#services.inNamespace(namespace);
  }

  replicationController(namespace: string, name: string): ReplicationController | undefined {
    return this.#replicationControllers.get(namespace, name);
  }

  replicaSet(namespace: string, name: string): ReplicaSet | undefined {
    return this.#replicaSets.get(namespace, name);
  }

  statefulSet(namespace: string, name: string): StatefulSet | undefined {
    return this.#statefulSets.get(namespace, name);
  }

  budgets(): Iterable<PodDisruptionBudget> {
    return this.#budgets.list();
  }

  assumeClaim(claim: PersistentVolumeClaim): void {
    this.#claims.assume(claim);
  }

  assumeVolume(volume: PersistentVolume): void {
    this.#volumes.assume(volume);
  }

  forgetClaim(claim: PersistentVolumeClaim): void {
    this.#claims.forget(claim);
  }

  forgetVolume(volume: PersistentVolume): void {
    this.#volumes.forget(volume);
  }
}
