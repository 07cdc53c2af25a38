import type { Job, Pod } from "../../api/mod.ts";
import {
  type EventRecorder,
  type Informer,
  isNotFound,
  keyFor,
  keyOf,
  type ObjectKey,
  type Requeue,
  splitKey,
  type WorkQueue,
} from "../../client/mod.ts";
import { claim, claimable, planClaims, staysOnServer } from "../common/claims.ts";
import { type Controller, type ControllerContext, controllerQueue, recorderFor } from "../common/controller.ts";
import { sameJson } from "../common/equality.ts";
import { Expectations } from "../common/expectations.ts";
import { selects } from "../common/label-selector.ts";
import { controllerOf, controllerReference } from "../common/owners.ts";
import { PodControl } from "../common/pod-control.ts";
import { WrittenVersions } from "../common/written-versions.ts";
import { trackingFinalizer } from "./accounting.ts";
import { isFinished } from "./outcome.ts";
import { leftovers, type Plan, plan } from "./plan.ts";
import { podFor } from "./pod-template.ts";

/** What happens to pods within this time is looked at together: a Job of many short pods is not looked at for each of them. */
const batchMs = 100;
/** Finalizers are removed so many at a time. */
const concurrency = 50;

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
  readonly #podControl: PodControl;
  /** Our own writes of statuses: the books must never be carried forward from an old page. */
  readonly #written = new WrittenVersions();
  /** Uids of pods whose finalizer we removed, until the cache shows it. */
  readonly #released = new Set<string>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#expectations = new Expectations(context.clock);
    this.#events = recorderFor(this.name, context);
    this.#podControl = new PodControl(context.client, this.#events, this.#expectations);
    this.#jobs = context.informers.informer(context.client.jobs);
    this.#pods = context.informers.informer(context.client.pods);
    this.#jobs.addHandler({
      onAdd: (job) => this.queue.add(keyOf(job)),
      onUpdate: (_, job) => this.queue.add(keyOf(job)),
      onDelete: (job) => {
        this.#expectations.forget(keyOf(job));
        this.#written.forget(job);
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
    if (!this.#written.isShownBy(job)) return; // its event brings us back
    const cacheIsFresh = this.#expectations.satisfied(key);
    // Of the same moment as the pods: an event during the wait below takes a uid out, and the pod's finalizer with it.
    const released = new Set(this.#released);
    const pods = await this.#claim(job, signal);
    if (isFinished(job)) {
      await this.#release(leftovers(pods), signal);
      return;
    }
    const decided = plan({ job, pods, released, cacheIsFresh, nowMs: this.#context.clock.now() });
    return this.#carryOut(key, job, decided, signal);
  }

  /** In this order: the books, then the finalizers they allow to remove, then pods. */
  async #carryOut(key: ObjectKey, job: Job, decided: Plan, signal: AbortSignal): Promise<Requeue | undefined> {
    const { client } = this.#context;
    if (!sameJson(decided.status, job.status)) {
      // Bound to the version that was read: what was decided on an old status is not written.
      this.#written.note(await client.jobs.updateStatus({ ...job, status: decided.status }, { signal }));
      this.#report(job, decided);
    }
    await this.#release(decided.release, signal);
    // One that has ended meanwhile is not surplus but counts: then the version differs, and all is decided again.
    if (decided.uncounted) await this.#release(leftovers(decided.remove), signal, "unchanged");
    await this.#podControl.delete(key, job, decided.remove, signal);
    const pods = decided.create.map(({ index, failed }) => podFor(job, index, failed));
    await this.#podControl.create(key, job, pods, signal);
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
    const claims = planClaims(job, job.spec.selector, claimable(this.#pods.lister, job));
    const stays = staysOnServer(client.jobs, job, signal);
    const reference = controllerReference(job, "batch/v1", "Job");
    return claim(client.pods, reference, claims, stays, signal, [trackingFinalizer]);
  }

  async #release(pods: readonly Pod[], signal: AbortSignal, only?: "unchanged"): Promise<void> {
    const held = pods.filter(({ metadata }) => !this.#released.has(metadata.uid ?? ""));
    for (let from = 0; from < held.length; from += concurrency) {
      const batch = held.slice(from, from + concurrency).map((pod) => this.#releaseOne(pod, signal, only));
      const failed = (await Promise.allSettled(batch)).find((outcome) => outcome.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    }
  }

  async #releaseOne({ metadata }: Pod, signal: AbortSignal, only?: "unchanged"): Promise<void> {
    const { namespace, name, uid = "", resourceVersion } = metadata;
    const version = only === "unchanged" ? { resourceVersion } : {};
    this.#released.add(uid);
    try {
      const patch = { metadata: { uid, ...version, "$deleteFromPrimitiveList/finalizers": [trackingFinalizer] } };
      await this.#context.client.pods.patch(namespace, name, "strategic", patch, { signal });
    } catch (error) {
      if (isNotFound(error)) return;
      this.#released.delete(uid);
      throw error;
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
    this.queue.addAfter(key, batchMs);
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
    this.queue.addAfter(key, batchMs);
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
