import type { KubernetesObject } from "./kubernetes-object.ts";

/** `namespace/name`, or `name` for objects outside namespaces: the key of stores and work queues. */
export type ObjectKey = string;

export function keyOf(object: KubernetesObject): ObjectKey {
  return keyFor(object.metadata.namespace, object.metadata.name ?? "");
}

export function keyFor(namespace: string | undefined, name: string): ObjectKey {
  return namespace === undefined || namespace === "" ? name : `${namespace}/${name}`;
}

export function splitKey(key: ObjectKey): { readonly namespace: string | undefined; readonly name: string } {
  const slash = key.indexOf("/");
  return slash === -1
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
