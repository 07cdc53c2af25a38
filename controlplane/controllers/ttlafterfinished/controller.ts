import type { Job } from "../../api/mod.ts";
import {
  type Informer,
  isNotFound,
  keyOf,
  type ObjectKey,
  type Requeue,
  splitKey,
  type WorkQueue,
} from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue } from "../common/controller.ts";
import { finishedCondition } from "../job/outcome.ts";

/** When a finished Job is to be deleted; undefined when it is to stay. */
export function expiresAtMs(job: Job): number | undefined {
  const { ttlSecondsAfterFinished: ttl } = job.spec;
  if (ttl === undefined || job.metadata.deletionTimestamp !== undefined) return undefined;
  const end = finishedCondition(job);
  return end?.lastTransitionTime === undefined ? undefined : Date.parse(end.lastTransitionTime) + ttl * 1000;
}

/** Deletes Jobs some time after they have finished, together with their pods. */
export class TtlAfterFinishedController implements Controller {
  readonly name = "ttl-after-finished-controller";
  readonly workers = 2;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #jobs: Informer<Job>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#jobs = context.informers.informer(context.client.jobs);
    const look = (job: Job) => {
      if (expiresAtMs(job) !== undefined) this.queue.add(keyOf(job));
    };
    this.#jobs.addHandler({ onAdd: look, onUpdate: (_, job) => look(job) });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Requeue | undefined> {
    const { namespace, name } = splitKey(key);
    const { client, clock } = this.#context;
    const leftMs = (job: Job | undefined) => {
      const atMs = job && expiresAtMs(job);
      return atMs === undefined ? undefined : atMs - clock.now();
    };
    const waitMs = leftMs(this.#jobs.lister.get(namespace, name));
    if (waitMs === undefined) return;
    if (waitMs > 0) return { afterMs: waitMs };
    try {
      // The TTL may have been raised since: what cannot be undone is decided on the newest state.
      const fresh = await client.jobs.get(namespace, name, { signal });
      const freshMs = leftMs(fresh);
      if (freshMs === undefined) return;
      if (freshMs > 0) return { afterMs: freshMs };
      const { uid, resourceVersion } = fresh.metadata;
      await client.jobs.delete(namespace, name, {
        propagationPolicy: "Foreground",
        preconditions: { uid, resourceVersion },
        signal,
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
