import type { OwnerReference } from "../../api/mod.ts";
import type { KubernetesObject } from "../../client/mod.ts";

/** The one owner that manages the object, if it has one. */
export function controllerOf(object: KubernetesObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

export function controllerReference(owner: KubernetesObject, apiVersion: string, kind: string): OwnerReference {
  const { name, uid = "" } = owner.metadata;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}
