import type { Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from "../../api/mod.ts";
import {
  type EventRecorder,
  type Informer,
  keyOf,
  type ObjectKey,
  type Requeue,
  splitKey,
  type WorkQueue,
} from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue, recorderFor } from "../common/controller.ts";
import { sameJson } from "../common/equality.ts";
import { selects } from "../common/label-selector.ts";
import { podCondition } from "../common/pods.ts";
import { ScaleFinder } from "./expected-scale.ts";
import { demand, failedStatus, needsScale, plan } from "./plan.ts";

/** Keeps in every PodDisruptionBudget's status how many of its pods may be evicted now. The API server takes from it, see eviction. */
export class DisruptionController implements Controller {
  readonly name = "disruption-controller";
  /** One: the status it writes is what the API server decides on, and should not overtake itself. */
  readonly workers = 1;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #budgets: Informer<PodDisruptionBudget>;
  readonly #pods: Informer<Pod>;
  readonly #scales: ScaleFinder;
  readonly #events: EventRecorder;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#events = recorderFor("controllermanager", context);
    const { client, informers } = context;
    this.#budgets = informers.informer(client.podDisruptionBudgets);
    this.#pods = informers.informer(client.pods);
    this.#scales = new ScaleFinder(context);
    this.#budgets.addHandler({
      onAdd: (budget) => this.queue.add(keyOf(budget)),
      onUpdate: (_, budget) => this.queue.add(keyOf(budget)),
    });
    this.#pods.addHandler({
      onAdd: (pod) => this.#budgetsOf(pod),
      onUpdate: (old, pod) => {
        if (sameJson(relevant(old), relevant(pod))) return;
        if (!sameJson(old.metadata.labels, pod.metadata.labels)) this.#budgetsOf(old);
        this.#budgetsOf(pod);
      },
      onDelete: (pod) => this.#budgetsOf(pod),
    });
    // A new size changes what a percentage means, before any pod comes or goes.
    const resized = { onUpdate: (old: Sized, now: Sized) => this.#resized(old, now) };
    informers.informer(client.deployments).addHandler(resized);
    informers.informer(client.replicaSets).addHandler(resized);
    informers.informer(client.statefulSets).addHandler(resized);
    informers.informer(client.replicationControllers).addHandler(resized);
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Requeue | undefined> {
    const { namespace = "", name } = splitKey(key);
    const budget = this.#budgets.lister.get(namespace, name);
    if (budget === undefined || budget.metadata.deletionTimestamp !== undefined) return;
    const { clock } = this.#context;
    const pods = this.#podsOf(budget);
    if (pods.length === 0) this.#events.event(budget, "Normal", "NoPods", "No matching pods found");
    try {
      const scale = needsScale(budget.spec ?? {}) ? await this.#scale(budget, pods, signal) : 0;
      const { status, undead, againInMs } = plan(
        budget,
        pods,
        demand(budget.spec ?? {}, pods.length, scale),
        clock.now(),
      );
      for (const pod of undead) {
        const message = `Pod was expected by PDB ${key} to be deleted but it wasn't`;
        this.#events.event(pod, "Warning", "NotDeleted", message);
      }
      await this.#write(budget, status, signal);
      return againInMs === undefined ? undefined : { afterMs: againInMs };
    } catch (error) {
      if (error instanceof NoScale) {
        await this.#write(budget, failedStatus(budget, error.message, clock.now()), signal);
      }
      throw error;
    }
  }

  async #scale(budget: PodDisruptionBudget, pods: readonly Pod[], signal: AbortSignal): Promise<number> {
    try {
      const { replicas, unmanaged } = await this.#scales.of(pods, signal);
      if (unmanaged.length > 0) {
        const message = `Pods selected by this PodDisruptionBudget were found to be unmanaged: ${unmanaged.slice(0, 10).join(", ")}. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`;
        this.#events.event(budget, "Warning", "UnmanagedPods", message);
      }
      return replicas;
    } catch (error) {
      if (signal.aborted) throw error;
      const { message } = error as Error;
      const said = `Failed to calculate the number of expected pods: ${message}`;
      this.#events.event(budget, "Warning", "CalculateExpectedPodCountFailed", said);
      throw new NoScale(message, { cause: error });
    }
  }

  async #write(budget: PodDisruptionBudget, status: PodDisruptionBudgetStatus, signal: AbortSignal): Promise<void> {
    if (sameJson(budget.status, status)) return;
    // With the version it was read at: an eviction that took from the budget meanwhile makes this a conflict, and both count.
    await this.#context.client.podDisruptionBudgets.updateStatus({ ...budget, status }, { signal });
  }

  #podsOf({ metadata, spec }: PodDisruptionBudget): Pod[] {
    return this.#pods.lister
      .inNamespace(metadata.namespace ?? "")
      .filter((pod) => selects(spec?.selector, pod.metadata.labels));
  }

  #budgetsOf(pod: Pod): void {
    for (const budget of this.#budgets.lister.inNamespace(pod.metadata.namespace ?? "")) {
      if (selects(budget.spec?.selector, pod.metadata.labels)) this.queue.add(keyOf(budget));
    }
  }

  #resized(old: Sized, now: Sized): void {
    if (old.spec?.replicas === now.spec?.replicas) return;
    for (const budget of this.#budgets.lister.inNamespace(now.metadata.namespace ?? "")) {
      if (needsScale(budget.spec ?? {})) this.queue.add(keyOf(budget));
    }
  }
}

/** It cannot be told how many pods there should be. */
class NoScale extends Error {}

interface Sized {
  readonly metadata: { readonly namespace?: string };
  readonly spec?: { readonly replicas?: number };
}

/** What of a pod a budget counts. */
function relevant({ metadata, status }: Pod): unknown {
  return [metadata.labels, metadata.deletionTimestamp, metadata.ownerReferences, podCondition(status, "Ready")?.status];
}
