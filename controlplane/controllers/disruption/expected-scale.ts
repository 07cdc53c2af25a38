import type { Deployment, Pod, ReplicaSet, ReplicationController, Scale, StatefulSet } from "../../api/mod.ts";
import { type Informer, isNotFound, type ResourceDefinition } from "../../client/mod.ts";
import type { ControllerContext } from "../common/controller.ts";
import { discover } from "../common/discovery.ts";
import { controllerOf } from "../common/owners.ts";

interface Scaled {
  readonly uid: string;
  readonly replicas: number;
}

export interface ExpectedScale {
  readonly replicas: number;
  /** Names of pods that nobody manages: they have no size to be a share of. */
  readonly unmanaged: readonly string[];
}

/** How many replicas the owners of pods want: of the built-in kinds from caches, of any other by its `scale` subresource. */
export class ScaleFinder {
  readonly #context: ControllerContext;
  readonly #deployments: Informer<Deployment>;
  readonly #replicaSets: Informer<ReplicaSet>;
  readonly #statefulSets: Informer<StatefulSet>;
  readonly #replicationControllers: Informer<ReplicationController>;
  #kinds = new Map<string, ResourceDefinition>();

  constructor(context: ControllerContext) {
    this.#context = context;
    const { client, informers } = context;
    this.#deployments = informers.informer(client.deployments);
    this.#replicaSets = informers.informer(client.replicaSets);
    this.#statefulSets = informers.informer(client.statefulSets);
    this.#replicationControllers = informers.informer(client.replicationControllers);
  }

  /** Throws when an owner has no scale: then nobody can say how many pods there should be. */
  async of(pods: readonly Pod[], signal: AbortSignal): Promise<ExpectedScale> {
    const replicas = new Map<string, number>();
    const unmanaged: string[] = [];
    /** Pods of one owner are many; it is asked once. */
    const seen = new Set<string>();
    for (const pod of pods) {
      const owner = controllerOf(pod);
      if (owner === undefined) {
        unmanaged.push(pod.metadata.name ?? "");
        continue;
      }
      if (seen.has(owner.uid)) continue;
      seen.add(owner.uid);
      const scale = await this.#scale(pod.metadata.namespace ?? "", owner, signal);
      if (scale === undefined) throw new Error(`found no controllers for pod "${pod.metadata.name}"`);
      replicas.set(scale.uid, scale.replicas);
    }
    return { replicas: [...replicas.values()].reduce((sum, n) => sum + n, 0), unmanaged };
  }

  async #scale(
    namespace: string,
    { apiVersion, kind, name, uid }: { apiVersion: string; kind: string; name: string; uid: string },
    signal: AbortSignal,
  ): Promise<Scaled | undefined> {
    const exactly = <T extends { metadata: { uid?: string } }>(object: T | undefined): T | undefined =>
      object?.metadata.uid === uid ? object : undefined;
    const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
    switch (`${group}/${kind}`) {
      case "apps/ReplicaSet": {
        const set = exactly(this.#replicaSets.lister.get(namespace, name));
        if (set === undefined) return undefined;
        // During a rollout a Deployment has several sets, whose sizes are in motion: its own size counts.
        const above = controllerOf(set);
        const deployment =
          above?.kind === "Deployment" ? this.#deployments.lister.get(namespace, above.name) : undefined;
        if (deployment !== undefined && deployment.metadata.uid === above?.uid)
          return { uid: deployment.metadata.uid ?? "", replicas: deployment.spec.replicas ?? 1 };
        return { uid, replicas: set.spec?.replicas ?? 1 };
      }
      case "apps/StatefulSet": {
        const set = exactly(this.#statefulSets.lister.get(namespace, name));
        return set && { uid, replicas: set.spec?.replicas ?? 1 };
      }
      case "/ReplicationController": {
        const set = exactly(this.#replicationControllers.lister.get(namespace, name));
        return set && { uid, replicas: set.spec?.replicas ?? 1 };
      }
      default: {
        const served = await this.#kind(group, kind, signal);
        if (served === undefined) return undefined;
        const { client } = this.#context;
        try {
          const scale = await client.resource(served).getSubresource<Scale>(namespace, name, "scale", { signal });
          return scale.metadata?.uid === uid ? { uid, replicas: scale.spec?.replicas ?? 0 } : undefined;
        } catch (error) {
          if (isNotFound(error)) return undefined;
          throw error;
        }
      }
    }
  }

  async #kind(group: string, kind: string, signal: AbortSignal): Promise<ResourceDefinition | undefined> {
    const key = `${group}/${kind}`;
    if (!this.#kinds.has(key)) {
      // A kind that was unknown may have been installed since.
      const { resources } = await discover(this.#context.client, signal);
      this.#kinds = new Map(resources.map((it) => [`${it.group}/${it.kind}`, it]));
    }
    return this.#kinds.get(key);
  }
}
