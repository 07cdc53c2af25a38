import type { CronJob, Job, ObjectReference } from "../../api/mod.ts";
import {
  type EventRecorder,
  type Informer,
  isAlreadyExists,
  isNamespaceTerminating,
  isNotFound,
  keyFor,
  keyOf,
  type ObjectKey,
  type Requeue,
  referenceTo,
  splitKey,
  timestamp,
  type WorkQueue,
} from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue, recorderFor } from "../common/controller.ts";
import { sameJson } from "../common/equality.ts";
import { controllerOf } from "../common/owners.ts";
import { isFinished } from "../job/outcome.ts";
import { type Plan, plan } from "./plan.ts";

/** Starts Jobs on a schedule. */
export class CronJobController implements Controller {
  readonly name = "cronjob-controller";
  readonly workers = 5;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #cronJobs: Informer<CronJob>;
  readonly #jobs: Informer<Job>;
  readonly #events: EventRecorder;
  readonly #defaultZone: string;

  constructor(context: ControllerContext, defaultZone = Intl.DateTimeFormat().resolvedOptions().timeZone) {
    this.#context = context;
    this.#defaultZone = defaultZone;
    this.queue = controllerQueue(this.name, context);
    this.#events = recorderFor(this.name, context);
    this.#cronJobs = context.informers.informer(context.client.cronJobs);
    this.#jobs = context.informers.informer(context.client.jobs);
    this.#cronJobs.addHandler({
      onAdd: (cronJob) => this.queue.add(keyOf(cronJob)),
      onUpdate: (_, cronJob) => this.queue.add(keyOf(cronJob)),
    });
    const wakeOwner = (job: Job) => {
      const owner = controllerOf(job);
      if (owner?.kind === "CronJob") this.queue.add(keyFor(job.metadata.namespace, owner.name));
    };
    this.#jobs.addHandler({ onAdd: wakeOwner, onUpdate: (_, job) => wakeOwner(job), onDelete: wakeOwner });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Requeue | undefined> {
    const { namespace, name } = splitKey(key);
    const cronJob = this.#cronJobs.lister.get(namespace, name);
    if (cronJob === undefined) return; // deleted: the garbage collector owns what is left
    const jobs = this.#jobs.lister.ownedBy(cronJob.metadata.uid ?? "");
    const missing = await this.#missing(cronJob, jobs, signal);
    const nowMs = this.#context.clock.now();
    const decided = plan({ cronJob, jobs, missing, nowMs, defaultZone: this.#defaultZone });
    await this.#carryOut(cronJob, decided, signal);
    return decided.afterMs === undefined ? undefined : { afterMs: decided.afterMs };
  }

  /** The cache may lack a Job that was just created: whether one is gone is for the server to say. */
  async #missing(cronJob: CronJob, jobs: readonly Job[], signal: AbortSignal): Promise<Set<string>> {
    const known = new Set(jobs.map(({ metadata }) => metadata.uid));
    const missing = new Set<string>();
    for (const { uid = "", namespace, name = "" } of cronJob.status?.active ?? []) {
      if (known.has(uid)) continue;
      try {
        const found = await this.#context.client.jobs.get(namespace, name, { signal });
        if (found.metadata.uid !== uid) missing.add(uid);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        missing.add(uid);
      }
    }
    return missing;
  }

  /**
   * What is seen is written first, bound to the version it was decided on: who decides on an old one is stopped here, before a Job that
   * tells when it was scheduled is forgotten.
   */
  async #carryOut(cronJob: CronJob, decided: Plan, signal: AbortSignal): Promise<void> {
    const { client } = this.#context;
    let current = cronJob;
    if (!sameJson(decided.status, cronJob.status ?? {})) {
      current = await client.cronJobs.updateStatus({ ...cronJob, status: decided.status }, { signal });
    }
    for (const { type, reason, message } of decided.notices) this.#events.event(cronJob, type, reason, message);
    for (const job of decided.forget) await this.#delete(cronJob, referenceTo(job), signal);
    if (decided.create === undefined) return;
    for (const reference of decided.replace) await this.#delete(cronJob, reference, signal);
    const { job, atMs } = decided.create;
    const created = await this.#create(cronJob, job, signal);
    if (created === undefined) return;
    const replaced = new Set([created.metadata.uid, ...decided.replace.map(({ uid }) => uid)]);
    const others = (decided.status.active ?? []).filter(({ uid }) => !replaced.has(uid));
    const active = isFinished(created) ? others : [...others, referenceTo(created)];
    const status = { ...decided.status, active, lastScheduleTime: timestamp(atMs) };
    await client.cronJobs.updateStatus({ ...current, status }, { signal });
  }

  async #create(cronJob: CronJob, job: Job, signal: AbortSignal): Promise<Job | undefined> {
    const { client } = this.#context;
    try {
      const created = await client.jobs.create(job, { signal });
      this.#events.event(cronJob, "Normal", "SuccessfulCreate", `Created job ${created.metadata.name}`);
      return created;
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined;
      if (isAlreadyExists(error)) {
        // Ours, made just before a crash, or by the leader before us: it only was not written down.
        const existing = await client.jobs.get(job.metadata.namespace, job.metadata.name ?? "", { signal });
        if (controllerOf(existing)?.uid === cronJob.metadata.uid) return existing;
      }
      if (!signal.aborted) {
        this.#events.event(cronJob, "Warning", "FailedCreate", `Error creating job: ${(error as Error).message}`);
      }
      throw error;
    }
  }

  async #delete(cronJob: CronJob, { namespace, name = "", uid }: ObjectReference, signal: AbortSignal): Promise<void> {
    try {
      const options = { propagationPolicy: "Background" as const, preconditions: { uid }, signal };
      await this.#context.client.jobs.delete(namespace, name, options);
      this.#events.event(cronJob, "Normal", "SuccessfulDelete", `Deleted job ${name}`);
    } catch (error) {
      if (isNotFound(error)) return;
      if (!signal.aborted) {
        this.#events.event(cronJob, "Warning", "FailedDelete", `Deleted job: ${(error as Error).message}`);
      }
      throw error;
    }
  }
}
