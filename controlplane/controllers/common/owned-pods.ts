import type { LabelSelector, Pod } from "../../api/mod.ts";
import {
  type Informer,
  type KubernetesObject,
  keyFor,
  keyOf,
  type ObjectKey,
  type WorkQueue,
} from "../../client/mod.ts";
import type { Expectations } from "./expectations.ts";
import { selects } from "./label-selector.ts";
import { controllerOf } from "./owners.ts";

export interface OwnersOfPods<T extends KubernetesObject> {
  readonly pods: Informer<Pod>;
  readonly owners: Informer<T>;
  /** As owner references name it. */
  readonly kind: string;
  readonly selectorOf: (owner: T) => LabelSelector | undefined;
  readonly queue: WorkQueue;
  readonly expectations: Expectations;
  /** An owned pod was seen for the first time, or changed: `old` is what it was. */
  readonly onPod?: (key: ObjectKey, pod: Pod, old: Pod | undefined) => void;
}

/**
 * Has owners look again when one of their pods comes, changes or goes, and tells the expectations what was seen. A pod without a
 * controller wakes everybody whose selector takes it: somebody may adopt it.
 */
export function followPods<T extends KubernetesObject>(follow: OwnersOfPods<T>): void {
  const { queue, expectations, onPod } = follow;
  const ownerKey = (pod: Pod): ObjectKey | undefined => {
    const owner = controllerOf(pod);
    if (owner?.kind !== follow.kind) return undefined;
    const found = follow.owners.lister.get(pod.metadata.namespace, owner.name);
    // One of the same name, made after the pod's own owner was deleted, is not its owner.
    return found?.metadata.uid === owner.uid ? keyFor(pod.metadata.namespace, owner.name) : undefined;
  };
  const wakeAdopters = (pod: Pod) => {
    if (controllerOf(pod) !== undefined || pod.metadata.deletionTimestamp !== undefined) return;
    for (const owner of follow.owners.lister.inNamespace(pod.metadata.namespace ?? "")) {
      if (selects(follow.selectorOf(owner), pod.metadata.labels)) queue.add(keyOf(owner));
    }
  };
  const goes = (pod: Pod) => {
    const key = ownerKey(pod);
    if (key === undefined) return;
    expectations.deletionObserved(key, keyOf(pod));
    queue.add(key);
  };
  follow.pods.addHandler({
    onAdd(pod) {
      // Seen first when it already goes: after a restart of ours.
      if (pod.metadata.deletionTimestamp !== undefined) return goes(pod);
      const key = ownerKey(pod);
      if (key === undefined) return wakeAdopters(pod);
      expectations.creationObserved(key);
      queue.add(key);
      onPod?.(key, pod, undefined);
    },
    onUpdate(old, pod) {
      if (pod.metadata.deletionTimestamp !== undefined && old.metadata.deletionTimestamp === undefined) goes(pod);
      const before = ownerKey(old);
      const key = ownerKey(pod);
      if (before !== undefined && before !== key) queue.add(before);
      if (key === undefined) return wakeAdopters(pod);
      queue.add(key);
      onPod?.(key, pod, old);
    },
    onDelete: goes,
  });
}
