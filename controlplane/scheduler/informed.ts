import type { Node, Pod } from "../api/mod.ts";
import { type Handler, keyOf } from "../client/mod.ts";
import { type Cache, isTerminal } from "./cache.ts";
import { podInfo } from "./pod-info.ts";
import type { Profiles } from "./profiles.ts";
import type { Nominator } from "./queue/nominator.ts";
import type { SchedulingQueue } from "./queue/scheduling-queue.ts";

export interface Informed {
  readonly cache: Cache;
  readonly queue: SchedulingQueue;
  readonly nominator: Nominator;
  readonly profiles: Profiles;
}

/** What the API server shows of nodes, told to the cache first and then to the queue. */
export function handleNodes({ cache, queue }: Informed): Handler<Node> {
  return {
    onAdd(node) {
      cache.setNode(node);
      queue.onEvent({ kind: "NodeAdd", node });
    },
    onUpdate(old, node) {
      cache.setNode(node);
      queue.onEvent({ kind: "NodeUpdate", old, node });
    },
    onDelete(node) {
      cache.removeNode(node.metadata.name ?? "");
      queue.onEvent({ kind: "NodeDelete", node });
    },
  };
}

/** The same of pods: those with a node are counted there, those without wait in the queue if they are ours. */
export function handlePods({ cache, queue, nominator, profiles }: Informed): Handler<Pod> {
  function lose(pod: Pod): void {
    const key = keyOf(pod);
    queue.remove(key);
    cache.removePod(pod);
    const nominated = nominator.delete(key);
    const nodeName = pod.spec?.nodeName || nominated;
    if (nodeName) queue.onEvent({ kind: "AssignedPodDelete", pod, nodeName });
  }

  function assigned(old: Pod | undefined, pod: Pod, nodeName: string): void {
    const key = keyOf(pod);
    queue.remove(key);
    nominator.delete(key);
    cache.setPod(pod);
    if (old?.spec?.nodeName) {
      if (isTerminal(old)) return;
      if (isTerminal(pod)) queue.onEvent({ kind: "AssignedPodDelete", pod, nodeName });
      else queue.onEvent({ kind: "AssignedPodUpdate", old, pod });
    } else if (!isTerminal(pod)) queue.onEvent({ kind: "AssignedPodAdd", pod });
  }

  function see(old: Pod | undefined, pod: Pod): void {
    if (pod.spec?.nodeName) {
      assigned(old, pod, pod.spec.nodeName);
      return;
    }
    const waits = profiles.for(pod) !== undefined && !isTerminal(pod) && pod.metadata.deletionTimestamp === undefined;
    const key = keyOf(pod);
    if (!waits) {
      queue.remove(key);
      const nodeName = nominator.delete(key);
      if (nodeName !== undefined) queue.onEvent({ kind: "AssignedPodDelete", pod, nodeName });
      return;
    }
    if (cache.isAssumed(key)) return;
    const info = podInfo(pod);
    nominator.see(old === undefined ? undefined : podInfo(old), info);
    queue.set(info);
  }

  return {
    onAdd: (pod) => see(undefined, pod),
    onUpdate(old, pod) {
      // Deleted and made again under the same name, without the deletion having been seen.
      if (old.metadata.uid !== pod.metadata.uid) lose(old);
      see(old.metadata.uid === pod.metadata.uid ? old : undefined, pod);
    },
    onDelete: lose,
  };
}
