import { assert } from "../../base/mod.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { keyFor, keyOf, type ObjectKey } from "./object-key.ts";

/** Values under which an object is found again. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** What an informer knows, to read from. The objects are shared: never change them. */
export interface Lister<T> {
  get(namespace: string | undefined, name: string): T | undefined;
  getByKey(key: ObjectKey): T | undefined;
  list(): T[];
  inNamespace(namespace: string): T[];
  /** Objects whose controller owner reference names this uid. Needs the index `ownerUid`, which every informer has. */
  ownedBy(uid: string): T[];
  /** Objects of the namespace that no controller manages. */
  orphansIn(namespace: string): T[];
  byIndex(index: string, value: string): T[];
  readonly size: number;
}

export const namespaceIndex = "namespace";
export const ownerUidIndex = "ownerUid";
const orphanIndex = "orphan";

/** Objects by key and by index. Invariant: every index names exactly the objects that are in the store. */
export class Store<T extends KubernetesObject> implements Lister<T> {
  readonly #objects = new Map<ObjectKey, T>();
  readonly #functions = new Map<string, IndexFunction<T>>();
  readonly #indexes = new Map<string, Map<string, Set<ObjectKey>>>();

  constructor() {
    this.addIndex(namespaceIndex, (object) => [object.metadata.namespace ?? ""]);
    this.addIndex(ownerUidIndex, (object) => {
      const uid = controllerUid(object);
      return uid === undefined ? [] : [uid];
    });
    this.addIndex(orphanIndex, (object) =>
      controllerUid(object) === undefined ? [object.metadata.namespace ?? ""] : [],
    );
  }

  get size(): number {
    return this.#objects.size;
  }

  /** Several who share a store may add the same one. */
  addIndex(name: string, values: IndexFunction<T>): void {
    if (this.#functions.get(name) === values) return;
    assert(!this.#functions.has(name), "an index has one function");
    this.#functions.set(name, values);
    this.#indexes.set(name, new Map());
    for (const [key, object] of this.#objects) this.#indexOne(name, values, key, object);
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.#objects.get(keyFor(namespace, name));
  }

  getByKey(key: ObjectKey): T | undefined {
    return this.#objects.get(key);
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  keys(): ObjectKey[] {
    return [...this.#objects.keys()];
  }

  inNamespace(namespace: string): T[] {
    return this.byIndex(namespaceIndex, namespace);
  }

  ownedBy(uid: string): T[] {
    return this.byIndex(ownerUidIndex, uid);
  }

  orphansIn(namespace: string): T[] {
    return this.byIndex(orphanIndex, namespace);
  }

  byIndex(index: string, value: string): T[] {
    const byValue = this.#indexes.get(index);
    assert(byValue !== undefined, "an index is added before it is asked");
    return [...(byValue.get(value) ?? [])].map((key) => this.#objects.get(key) as T);
  }

  /** Returns what was there before. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const old = this.delete(key);
    this.#objects.set(key, object);
    for (const [name, values] of this.#functions) this.#indexOne(name, values, key, object);
    return old;
  }

  /** Returns what was there before. */
  delete(key: ObjectKey): T | undefined {
    const old = this.#objects.get(key);
    if (old === undefined) return undefined;
    this.#objects.delete(key);
    for (const [name, values] of this.#functions) {
      const byValue = this.#indexes.get(name);
      for (const value of values(old)) {
        const keys = byValue?.get(value);
        keys?.delete(key);
        if (keys?.size === 0) byValue?.delete(value);
      }
    }
    return old;
  }

  #indexOne(name: string, values: IndexFunction<T>, key: ObjectKey, object: T): void {
    const byValue = this.#indexes.get(name) as Map<string, Set<ObjectKey>>;
    for (const value of values(object)) {
      const keys = byValue.get(value);
      if (keys === undefined) byValue.set(value, new Set([key]));
      else keys.add(key);
    }
  }
}

function controllerUid(object: KubernetesObject): string | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true)?.uid;
}
