import { type Clock, Deferred, type Log, type Random } from "../../base/mod.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { keyOf } from "./object-key.ts";
import { orAbort } from "./or-abort.ts";
import { reflect } from "./reflector.ts";
import type { ResourceClient, WatchEvent } from "./resource-client.ts";
import { type IndexFunction, type Lister, Store } from "./store.ts";

/** Told of every change, synchronously and in order, after the store has it. What it throws is logged and does not reach others. */
export interface Handler<T> {
  onAdd?(object: T): void;
  onUpdate?(old: T, now: T): void;
  /** With the last state that is known. */
  onDelete?(last: T): void;
}

export interface InformerOptions<T> {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Drops what nobody reads before the object is kept. Default: drops managedFields, which an update may leave out unharmed. */
  readonly transform?: (object: T) => T;
}

/** A copy of all objects of one kind (or a selection), kept up to date by one watch, shared by many. */
export class Informer<T extends KubernetesObject> {
  readonly client: ResourceClient<T>;
  readonly #options: InformerOptions<T>;
  readonly #store = new Store<T>();
  readonly #handlers = new Set<Handler<T>>();
  readonly #synced = new Deferred<void>();
  #hasSynced = false;
  #running: Promise<void> | undefined;

  constructor(client: ResourceClient<T>, options: InformerOptions<T>) {
    this.client = client;
    this.#options = options;
  }

  get lister(): Lister<T> {
    return this.#store;
  }

  /** True once the first list is in the store and all handlers have seen it. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Resolves when `hasSynced` turns true; rejects with the signal's reason. */
  synced(signal?: AbortSignal): Promise<void> {
    return orAbort(this.#synced.promise, signal);
  }

  addIndex(name: string, values: IndexFunction<T>): void {
    this.#store.addIndex(name, values);
  }

  /** What is known already is told as added. Returns the way to leave. */
  addHandler(handler: Handler<T>): () => void {
    this.#handlers.add(handler);
    for (const object of this.#store.list()) this.#guard(() => handler.onAdd?.(object));
    return () => this.#handlers.delete(handler);
  }

  /** Runs until the signal aborts. Called again, it joins the run under way. */
  run(signal: AbortSignal): Promise<void> {
    const target = {
      replace: (objects: readonly T[]) => this.#replace(objects),
      apply: (event: WatchEvent<T>) => this.#apply(event),
    };
    this.#running ??= reflect(this.client, target, this.#options, signal).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  #replace(objects: readonly T[]): void {
    const gone = new Set(this.#store.keys());
    for (const object of objects) {
      gone.delete(keyOf(object));
      this.#put(object);
    }
    for (const key of gone) this.#remove(key);
    if (this.#hasSynced) return;
    this.#hasSynced = true;
    this.#synced.resolve();
  }

  #apply(event: WatchEvent<T>): void {
    if (event.type === "DELETED") {
      // The event carries the newest state; ours may lack the last changes before the deletion.
      this.#store.set(this.#transform(event.object));
      this.#remove(keyOf(event.object));
    } else this.#put(event.object);
  }

  #put(raw: T): void {
    const object = this.#transform(raw);
    const old = this.#store.set(object);
    for (const handler of this.#handlers) {
      if (old === undefined) this.#guard(() => handler.onAdd?.(object));
      else if (old.metadata.resourceVersion === object.metadata.resourceVersion) return;
      else if (old.metadata.uid === object.metadata.uid) this.#guard(() => handler.onUpdate?.(old, object));
      else {
        // Deleted and created again while we were not watching: two objects, one name.
        this.#guard(() => handler.onDelete?.(old));
        this.#guard(() => handler.onAdd?.(object));
      }
    }
  }

  #remove(key: string): void {
    const last = this.#store.delete(key);
    if (last === undefined) return;
    for (const handler of this.#handlers) this.#guard(() => handler.onDelete?.(last));
  }

  #transform(object: T): T {
    if (this.#options.transform !== undefined) return this.#options.transform(object);
    delete object.metadata.managedFields;
    return object;
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      const { stack } = error as Error;
      this.#options.log("error", "an informer's handler failed", { resource: this.client.definition.plural, stack });
    }
  }
}
