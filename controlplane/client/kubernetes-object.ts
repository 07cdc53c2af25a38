import type { ObjectMeta, TypeMeta } from "../api/mod.ts";

/** What all objects have in common. */
export interface KubernetesObject extends TypeMeta {
  metadata: ObjectMeta;
}
