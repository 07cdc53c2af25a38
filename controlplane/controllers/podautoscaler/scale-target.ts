import type { CrossVersionObjectReference, Scale } from "../../api/mod.ts";
import type { Client, ResourceDefinition } from "../../client/mod.ts";
import { discover } from "../common/discovery.ts";

/** Finds kinds by their names, as references name them. */
export class Kinds {
  readonly #client: Client;
  #known: readonly ResourceDefinition[] = [];

  constructor(client: Client) {
    this.#client = client;
  }

  /** Throws when the server serves no such kind. A kind may be served later than it is asked for. */
  async find(
    { apiVersion = "v1", kind }: CrossVersionObjectReference,
    signal: AbortSignal,
  ): Promise<ResourceDefinition> {
    const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
    const look = () => this.#known.find((it) => it.group === group && it.kind === kind);
    if (look() === undefined) this.#known = (await discover(this.#client, signal)).resources;
    const found = look();
    if (found === undefined) throw new Error(`no matches for kind "${kind}" in group "${group}"`);
    return found;
  }
}

/** What an autoscaler sets: the `scale` of any kind that has one. */
export class ScaleTarget {
  readonly #client: Client;
  readonly #kinds: Kinds;

  constructor(client: Client, kinds: Kinds) {
    this.#client = client;
    this.#kinds = kinds;
  }

  async get(namespace: string, target: CrossVersionObjectReference, signal: AbortSignal): Promise<Scale> {
    const kind = await this.#kinds.find(target, signal);
    return this.#client.resource(kind).getSubresource<Scale>(namespace, target.name, "scale", { signal });
  }

  /** Carries the version that was read: of two who scale at once, one has to look again. */
  async set(
    namespace: string,
    target: CrossVersionObjectReference,
    scale: Scale,
    replicas: number,
    signal: AbortSignal,
  ): Promise<void> {
    const kind = await this.#kinds.find(target, signal);
    const next = { ...scale, spec: { ...scale.spec, replicas } };
    await this.#client.resource(kind).updateSubresource(namespace, target.name, "scale", next, { signal });
  }
}
