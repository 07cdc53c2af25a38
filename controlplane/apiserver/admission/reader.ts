import type {
  IngressClass,
  LimitRange,
  Namespace,
  Node,
  PersistentVolumeClaim,
  Pod,
  PriorityClass,
  ResourceQuota,
  RuntimeClass,
  Secret,
  ServiceAccount,
  StorageClass,
} from "../../api/mod.ts";
import type { Registry } from "../registry/served.ts";

/** Kinds that decisions about other objects depend on, by plural. */
interface Kinds {
  ingressclasses: IngressClass;
  limitranges: LimitRange;
  namespaces: Namespace;
  nodes: Node;
  persistentvolumeclaims: PersistentVolumeClaim;
  pods: Pod;
  priorityclasses: PriorityClass;
  resourcequotas: ResourceQuota;
  runtimeclasses: RuntimeClass;
  secrets: Secret;
  serviceaccounts: ServiceAccount;
  storageclasses: StorageClass;
}

const groups: Readonly<Partial<Record<keyof Kinds, string>>> = {
  ingressclasses: "networking.k8s.io",
  priorityclasses: "scheduling.k8s.io",
  runtimeclasses: "node.k8s.io",
  storageclasses: "storage.k8s.io",
};

/** Other objects that admission looks at. */
export interface ObjectReader {
  /** As the cache shows it; where it shows nothing, as the store has it: it may have been made a moment ago. */
  get<K extends keyof Kinds>(plural: K, namespace: string, name: string): Promise<Kinds[K] | undefined>;
  /** All of a namespace ("": of the cluster), as the cache shows them. */
  list<K extends keyof Kinds>(plural: K, namespace: string): Promise<Kinds[K][]>;
}

export function readerOf(registry: Registry): ObjectReader {
  // A kind that is not served has no objects.
  const find = (plural: keyof Kinds) => registry.find(groups[plural] ?? "", "v1", plural);
  return {
    async get<K extends keyof Kinds>(plural: K, namespace: string, name: string) {
      const served = find(plural);
      if (served === undefined) return undefined;
      const key = served.key(namespace, name);
      // What is stored was validated as its kind when it was written.
      return (served.cache.get(key) ?? (await served.objects.get(key))) as unknown as Kinds[K] | undefined;
    },
    async list<K extends keyof Kinds>(plural: K, namespace: string) {
      const served = find(plural);
      if (served === undefined) return [];
      await served.cache.start();
      return [...served.cache.entries(served.prefix(namespace))].map(([, object]) => object as unknown as Kinds[K]);
    },
  };
}
