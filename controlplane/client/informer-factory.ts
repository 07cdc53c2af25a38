import type { Clock, Log, Random } from "../../base/mod.ts";
import { Informer } from "./informer.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { ClusterResourceClient, type ResourceClient } from "./resource-client.ts";
import { apiVersionOf } from "./resource-definition.ts";
import { systemClock, systemRandom } from "./system.ts";

export interface InformerFactoryOptions {
  readonly log: Log;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface Selection {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** One informer per kind and selection, however many ask for it. */
export class InformerFactory {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #informers = new Map<string, Informer<KubernetesObject>>();
  readonly #running = new Set<Promise<void>>();

  constructor(options: InformerFactoryOptions) {
    this.#log = options.log;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
  }

  informer<T extends KubernetesObject>(
    kind: ResourceClient<T> | ClusterResourceClient<T>,
    selection: Selection = {},
  ): Informer<T> {
    const client = kind instanceof ClusterResourceClient ? kind.resource : kind;
    const { namespace = "", labelSelector = "", fieldSelector = "" } = selection;
    const id = [apiVersionOf(client.definition), client.definition.plural, namespace, labelSelector, fieldSelector];
    const known = this.#informers.get(id.join("|"));
    // The id names the kind, so the informer under it has that kind's type.
    if (known !== undefined) return known as unknown as Informer<T>;
    const made = new Informer<T>(client, { ...selection, log: this.#log, clock: this.#clock, random: this.#random });
    this.#informers.set(id.join("|"), made as unknown as Informer<KubernetesObject>);
    return made;
  }

  /** Starts those that do not run yet. They stop when the signal aborts. */
  start(signal: AbortSignal): void {
    for (const informer of this.#informers.values()) {
      const run = informer.run(signal);
      this.#running.add(run);
      void run.finally(() => this.#running.delete(run));
    }
  }

  /** Resolves when every informer has its first list. */
  async synced(signal?: AbortSignal): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.synced(signal)));
  }

  /** Resolves when all have stopped; abort their signal first. */
  async stopped(): Promise<void> {
    await Promise.all(this.#running);
  }
}
