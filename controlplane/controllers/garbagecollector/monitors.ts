import {
  type Client,
  type KubernetesObject,
  type ReflectorOptions,
  reflect,
  type WatchEvent,
} from "../../client/mod.ts";
import type { ServedResource } from "../common/discovery.ts";
import type { Graph, Work } from "./graph.ts";

/** Made in great number, owned by nobody. */
const ignored = new Set(["events", "events.events.k8s.io"]);

function idOf({ plural, group }: ServedResource): string {
  return group === "" ? plural : `${plural}.${group}`;
}

function isCollectable(resource: ServedResource): boolean {
  return ["delete", "list", "watch"].every((verb) => resource.verbs.includes(verb)) && !ignored.has(idOf(resource));
}

interface Monitor {
  readonly aborter: AbortController;
  readonly resource: ServedResource;
  readonly uids: Set<string>;
  synced: boolean;
}

/** One metadata-only watch per kind, feeding the graph. Keeps no objects: the graph is all that is kept of them. */
export class Monitors {
  readonly #client: Client;
  readonly #graph: Graph;
  readonly #options: ReflectorOptions;
  readonly #onWork: (work: Work) => void;
  readonly #monitors = new Map<string, Monitor>();

  constructor(client: Client, graph: Graph, options: ReflectorOptions, onWork: (work: Work) => void) {
    this.#client = client;
    this.#graph = graph;
    this.#options = options;
    this.#onWork = onWork;
  }

  /** Before all kinds are known an owner may seem to be missing that is only not listed yet: nothing is to be deleted until then. */
  get synced(): boolean {
    return [...this.#monitors.values()].every(({ synced }) => synced);
  }

  /** Watches these kinds and no others. */
  follow(resources: readonly ServedResource[], signal: AbortSignal): void {
    const wanted = new Map(resources.filter(isCollectable).map((resource) => [idOf(resource), resource]));
    for (const [id, monitor] of this.#monitors) {
      if (wanted.has(id)) continue;
      monitor.aborter.abort(new Error("the kind is no longer served"));
      this.#monitors.delete(id);
      for (const uid of monitor.uids) this.#onWork(this.#graph.remove(uid));
    }
    for (const [id, resource] of wanted) if (!this.#monitors.has(id)) this.#start(id, resource, signal);
  }

  #start(id: string, resource: ServedResource, signal: AbortSignal): void {
    const monitor: Monitor = { aborter: new AbortController(), resource, uids: new Set(), synced: false };
    this.#monitors.set(id, monitor);
    const stop = () => monitor.aborter.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    monitor.aborter.signal.addEventListener("abort", () => signal.removeEventListener("abort", stop), { once: true });
    const target = {
      replace: (objects: readonly KubernetesObject[]) => this.#replace(monitor, objects),
      apply: (event: WatchEvent<KubernetesObject>) => this.#apply(monitor, event),
    };
    void reflect(this.#client.metadata(resource), target, this.#options, monitor.aborter.signal);
  }

  #replace(monitor: Monitor, objects: readonly KubernetesObject[]): void {
    const gone = new Set(monitor.uids);
    for (const object of objects) {
      gone.delete(object.metadata.uid ?? "");
      this.#observe(monitor, object);
    }
    for (const uid of gone) this.#remove(monitor, uid);
    monitor.synced = true;
  }

  #apply(monitor: Monitor, { type, object }: WatchEvent<KubernetesObject>): void {
    if (type === "DELETED") this.#remove(monitor, object.metadata.uid ?? "");
    else this.#observe(monitor, object);
  }

  #observe(monitor: Monitor, object: KubernetesObject): void {
    monitor.uids.add(object.metadata.uid ?? "");
    this.#onWork(this.#graph.observe(monitor.resource, object));
  }

  #remove(monitor: Monitor, uid: string): void {
    monitor.uids.delete(uid);
    this.#onWork(this.#graph.remove(uid));
  }
}
