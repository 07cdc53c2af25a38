import type { KubernetesObject } from "../../client/mod.ts";

export const claimFinalizer = "kubernetes.io/pvc-protection";
export const volumeFinalizer = "kubernetes.io/pv-protection";

/** The finalizers the object should have: kept while it is used, added while it lives. Undefined: as they are. */
export function wantedFinalizers(object: KubernetesObject, finalizer: string, used: boolean): string[] | undefined {
  const { finalizers = [], deletionTimestamp } = object.metadata;
  const has = finalizers.includes(finalizer);
  if (deletionTimestamp === undefined) return has ? undefined : [...finalizers, finalizer];
  return has && !used ? finalizers.filter((it) => it !== finalizer) : undefined;
}
