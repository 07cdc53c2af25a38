import type { Pod } from "../../api/mod.ts";
import {
  type Informer,
  keyOf,
  type ObjectKey,
  type Requeue,
  splitKey,
  timestamp,
  type WorkQueue,
} from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue } from "../common/controller.ts";
import { isActive, podCondition } from "../common/pods.ts";

/** Who says that a pod is about to be disrupted deletes it within this time. */
const staleAfterMs = 2 * 60_000;

/** A pod that was said to be disrupted and was not is told so: its condition DisruptionTarget becomes False. */
export class StaleDisruptionTargets implements Controller {
  readonly name = "stale-pod-disruption";
  readonly workers = 1;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #pods: Informer<Pod>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#pods = context.informers.informer(context.client.pods);
    const look = (pod: Pod) => {
      if (targetedSinceMs(pod) !== undefined) this.queue.add(keyOf(pod));
    };
    this.#pods.addHandler({ onAdd: look, onUpdate: (_, pod) => look(pod) });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Requeue | undefined> {
    const { namespace = "", name } = splitKey(key);
    const pod = this.#pods.lister.get(namespace, name);
    const sinceMs = pod === undefined ? undefined : targetedSinceMs(pod);
    if (pod === undefined || sinceMs === undefined) return;
    const { client, clock } = this.#context;
    const waitMs = sinceMs + staleAfterMs - clock.now();
    if (waitMs > 0) return { afterMs: waitMs };
    const lastTransitionTime = timestamp(clock.now());
    const condition = { type: "DisruptionTarget", status: "False", lastTransitionTime };
    const patch = { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } };
    await client.pods.patch(namespace, name, "strategic", patch, { subresource: "status", signal });
  }
}

/** Milliseconds since 1970; undefined for pods that are not, or go away as they should. */
function targetedSinceMs(pod: Pod): number | undefined {
  const target = podCondition(pod.status, "DisruptionTarget");
  if (target?.status !== "True" || !isActive(pod)) return undefined;
  return Date.parse(target.lastTransitionTime ?? "") || 0;
}
