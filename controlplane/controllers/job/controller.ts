import type { Job, Pod } from "../../api/mod.ts";
import {
  type EventRecorder,
  type Informer,
  isNamespaceTerminating,
  isNotFound,
  keyFor,
  keyOf,
  type ObjectKey,
  type Requeue,
  splitKey,
  type WorkQueue,
} from "../../client/mod.ts";
import { claim, planClaims } from "../common/claims.ts";
import { type Controller, type ControllerContext, controllerQueue, recorderFor } from "../common/controller.ts";
import { sameJson } from "../common/equality.ts";
import { Expectations } from "../common/expectations.ts";
import { selects } from "../common/label-selector.ts";
import { controllerOf, controllerReference } from "../common/owners.ts";
import { slowStart } from "../common/slow-start.ts";
import { trackingFinalizer } from "./accounting.ts";
import { isFinished } from "./outcome.ts";
import { leftovers, type Plan, plan } from "./plan.ts";
import { podFor } from "./pod-template.ts";

/** Runs pods until enough of them have succeeded, or too many have failed. */
export class JobController implements Controller {
  readonly name = "job-controller";
  readonly workers = 5;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #jobs: Informer<Job>;
  readonly #pods: Informer<Pod>;
  readonly #expectations: Expectations;
  readonly #events: EventRecorder;
  /** Uids of pods whose finalizer we removed, until the cache shows it. */
  readonly #released = new Set<string>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#expectations = new Expectations(context.clock);
    this.#events = recorderFor(this.name, context);
    this.#jobs = context.informers.informer(context.client.jobs);
    this.#pods = context.informers.informer(context.client.pods);
    this.#jobs.addHandler({
      onAdd: (job) => this.queue.add(keyOf(job)),
      onUpdate: (_, job) => this.queue.add(keyOf(job)),
      onDelete: (job) => {
        this.#expectations.forget(keyOf(job));
        this.queue.add(keyOf(job));
        // Looked up by owner, which the key of a deleted Job no longer tells.
        for (const pod of this.#pods.lister.ownedBy(job.metadata.uid ?? "")) this.queue.add(orphanKey(pod));
      },
    });
    this.#pods.addHandler({
      onAdd: (pod) => this.#podChanged(pod, true),
      onUpdate: (_, pod) => this.#podChanged(pod, false),
      onDelete: (pod) => this.#podGone(pod),
    });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Requeue | undefined> {
    if (key.startsWith(orphanPrefix)) return this.#releaseOrphan(key.slice(orphanPrefix.length), signal);
    const { namespace = "", name } = splitKey(key);
    const job = this.#jobs.lister.get(namespace, name);
    if (job === undefined) return; // deleted: the garbage collector owns what is left
    const managedBy = job.spec.managedBy;
    if (managedBy !== undefined && managedBy !== "kubernetes.io/job-controller") return;
    const cacheIsFresh = this.#expectations.satisfied(key);
    const pods = await this.#claim(job, signal);
    if (isFinished(job)) {
      await this.#release(leftovers(pods), signal);
      return;
    }
    const decided = plan({ job, pods, released: this.#released, cacheIsFresh, nowMs: this.#context.clock.now() });
    return this.#carryOut(key, job, decided, signal);
  }

  /** In this order: the books, then the finalizers they allow to remove, then pods. */
  async #carryOut(key: ObjectKey, job: Job, decided: Plan, signal: AbortSignal): Promise<Requeue | undefined> {
    const { client } = this.#context;
    if (!sameJson(decided.status, job.status)) {
      // Bound to the version that was read: what was decided on an old status is not written.
      await client.jobs.updateStatus({ ...job, status: decided.status }, { signal });
      this.#report(job, decided);
    }
    await this.#release(decided.release, signal);
    if (decided.uncounted) await this.#release(leftovers(decided.remove), signal);
    await this.#removePods(key, job, decided.remove, signal);
    if (decided.create.length > 0) {
      this.#expectations.expectCreations(key, decided.create.length);
      const unexpected = (count: number) => {
        for (let i = 0; i < count; i++) this.#expectations.creationObserved(key);
      };
      await slowStart(decided.create.length, (i) => this.#createPod(key, job, decided.create[i], signal), unexpected);
    }
    return decided.afterMs === undefined ? undefined : { afterMs: decided.afterMs };
  }

  #report(job: Job, { finished, suspended }: Plan): void {
    if (finished?.type === "Complete") this.#events.event(job, "Normal", "Completed", "Job completed");
    else if (finished !== undefined) this.#events.event(job, "Warning", finished.reason, finished.message);
    else if (suspended === true) this.#events.event(job, "Normal", "Suspended", "Job suspended");
    else if (suspended === false) this.#events.event(job, "Normal", "Resumed", "Job resumed");
  }

  async #claim(job: Job, signal: AbortSignal): Promise<Pod[]> {
    const { client } = this.#context;
    const { namespace = "", name, uid } = job.metadata;
    const claims = planClaims(job, job.spec.selector, this.#pods.lister.inNamespace(namespace));
    const stays = async () => {
      const fresh = await client.jobs.get(namespace, name, { signal });
      return fresh.metadata.uid === uid && fresh.metadata.deletionTimestamp === undefined;
    };
    const reference = controllerReference(job, "batch/v1", "Job");
    return claim(client.pods, reference, claims, stays, signal, [trackingFinalizer]);
  }

  async #release(pods: readonly Pod[], signal: AbortSignal): Promise<void> {
    for (const { metadata } of pods) {
      const { namespace, name, uid = "" } = metadata;
      if (this.#released.has(uid)) continue;
      this.#released.add(uid);
      try {
        const patch = { metadata: { uid, "$deleteFromPrimitiveList/finalizers": [trackingFinalizer] } };
        await this.#context.client.pods.patch(namespace, name, "strategic", patch, { signal });
      } catch (error) {
        if (isNotFound(error)) continue;
        this.#released.delete(uid);
        throw error;
      }
    }
  }

  /** A pod whose Job is gone: nobody counts it any more. */
  async #releaseOrphan(key: ObjectKey, signal: AbortSignal): Promise<undefined> {
    const pod = this.#pods.lister.getByKey(key);
    if (pod === undefined) return;
    const owner = controllerOf(pod);
    const job = owner && this.#jobs.lister.get(pod.metadata.namespace, owner.name);
    if (job !== undefined && job.metadata.uid === owner?.uid) return;
    await this.#release(leftovers([pod]), signal);
  }

  async #removePods(key: ObjectKey, job: Job, pods: readonly Pod[], signal: AbortSignal): Promise<void> {
    if (pods.length === 0) return;
    this.#expectations.expectDeletions(key, pods.map(keyOf));
    const outcomes = await Promise.allSettled(
      pods.map(async (pod) => {
        const { namespace, name, uid } = pod.metadata;
        try {
          await this.#context.client.pods.delete(namespace, name, { signal, preconditions: { uid } });
          this.#events.event(job, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`);
        } catch (error) {
          this.#expectations.deletionObserved(key, keyOf(pod));
          if (isNotFound(error)) return;
          this.#events.event(job, "Warning", "FailedDelete", `Error deleting: ${(error as Error).message}`);
          throw error;
        }
      }),
    );
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async #createPod(key: ObjectKey, job: Job, index: number | undefined, signal: AbortSignal): Promise<void> {
    try {
      const pod = await this.#context.client.pods.create(podFor(job, index), { signal });
      this.#events.event(job, "Normal", "SuccessfulCreate", `Created pod: ${pod.metadata.name}`);
    } catch (error) {
      this.#expectations.creationObserved(key);
      if (isNamespaceTerminating(error)) return;
      if (!signal.aborted)
        this.#events.event(job, "Warning", "FailedCreate", `Error creating: ${(error as Error).message}`);
      throw error;
    }
  }

  #ownerKey(pod: Pod): ObjectKey | undefined {
    const owner = controllerOf(pod);
    return owner?.kind === "Job" ? keyFor(pod.metadata.namespace, owner.name) : undefined;
  }

  #podChanged(pod: Pod, isNew: boolean): void {
    const { uid = "", finalizers = [], deletionTimestamp } = pod.metadata;
    if (!finalizers.includes(trackingFinalizer)) this.#released.delete(uid);
    const key = this.#ownerKey(pod);
    if (key === undefined) {
      this.#orphan(pod);
      return;
    }
    if (deletionTimestamp !== undefined) this.#expectations.deletionObserved(key, keyOf(pod));
    else if (isNew) this.#expectations.creationObserved(key);
    this.queue.add(key);
    const owner = this.#jobs.lister.getByKey(key);
    if (owner?.metadata.uid !== controllerOf(pod)?.uid && finalizers.includes(trackingFinalizer)) {
      this.queue.add(orphanKey(pod));
    }
  }

  #podGone(pod: Pod): void {
    this.#released.delete(pod.metadata.uid ?? "");
    const key = this.#ownerKey(pod);
    if (key === undefined) return;
    this.#expectations.deletionObserved(key, keyOf(pod));
    this.queue.add(key);
  }

  #orphan(pod: Pod): void {
    if (controllerOf(pod) !== undefined) return;
    if (leftovers([pod]).length > 0) this.queue.add(orphanKey(pod));
    for (const job of this.#jobs.lister.inNamespace(pod.metadata.namespace ?? "")) {
      if (selects(job.spec.selector, pod.metadata.labels)) this.queue.add(keyOf(job));
    }
  }
}

const orphanPrefix = "orphan:";

function orphanKey(pod: Pod): string {
  return orphanPrefix + keyOf(pod);
}
