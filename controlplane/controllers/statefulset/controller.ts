import type { PersistentVolumeClaim, Pod, StatefulSet } from "../../api/mod.ts";
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
  splitKey,
  type WorkQueue,
} from "../../client/mod.ts";
import { claim, claimable, planClaims, staysOnServer } from "../common/claims.ts";
import { type Controller, type ControllerContext, controllerQueue, recorderFor } from "../common/controller.ts";
import { sameJson } from "../common/equality.ts";
import { Expectations } from "../common/expectations.ts";
import { followPods } from "../common/owned-pods.ts";
import { controllerReference } from "../common/owners.ts";
import { slowStart } from "../common/slow-start.ts";
import { RevisionHistory } from "../history/history.ts";
import { surplusRevisions, templatePatch } from "../history/revisions.ts";
import { ordinalOf, revisionOf } from "./identity.ts";
import { plan, type Step } from "./plan.ts";
import type { Revisions } from "./status.ts";

/** Keeps pods alive that have names, and storage that stays with the name. */
export class StatefulSetController implements Controller {
  readonly name = "statefulset-controller";
  readonly workers = 5;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #sets: Informer<StatefulSet>;
  readonly #pods: Informer<Pod>;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #history: RevisionHistory;
  readonly #expectations: Expectations;
  readonly #events: EventRecorder;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#expectations = new Expectations(context.clock);
    this.#events = recorderFor(this.name, context);
    this.#history = new RevisionHistory(context);
    this.#sets = context.informers.informer(context.client.statefulSets);
    this.#pods = context.informers.informer(context.client.pods);
    this.#claims = context.informers.informer(context.client.persistentVolumeClaims);
    this.#sets.addHandler({
      onAdd: (set) => this.queue.add(keyOf(set)),
      onUpdate: (_, set) => this.queue.add(keyOf(set)),
      onDelete: (set) => this.#expectations.forget(keyOf(set)),
    });
    followPods({
      pods: this.#pods,
      owners: this.#sets,
      kind: "StatefulSet",
      selectorOf: ({ spec }) => spec.selector,
      queue: this.queue,
      expectations: this.#expectations,
    });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Requeue | undefined> {
    const { namespace, name } = splitKey(key);
    const set = this.#sets.lister.get(namespace, name);
    if (set === undefined) return; // deleted: the garbage collector owns what is left
    // One pod at a time only works if what was done to the last one is seen: its event brings us back.
    if (!this.#expectations.satisfied(key)) return;
    const { client, clock } = this.#context;
    const pods = await this.#ownPods(set, signal);
    const { revisions, all } = await this.#revisionsOf(set, signal);
    const findClaim = (claim: string) => this.#claims.lister.get(namespace, claim);
    const decided = plan({ set, pods, revisions, findClaim, nowMs: clock.now() });
    const failure = await this.#carryOut(key, set, decided.steps, signal);
    if (!sameJson(decided.status, set.status)) {
      await client.statefulSets.updateStatus({ ...set, status: decided.status }, { signal });
    }
    if (failure !== undefined) throw failure;
    const { currentRevision, updateRevision } = decided.status;
    const live = new Set([currentRevision, updateRevision, ...pods.map(revisionOf)]);
    const surplus = surplusRevisions(all, ({ metadata }) => live.has(metadata.name), set.spec.revisionHistoryLimit);
    await this.#history.remove(surplus, signal);
    return decided.afterMs === undefined ? undefined : { afterMs: decided.afterMs };
  }

  async #ownPods(set: StatefulSet, signal: AbortSignal): Promise<Pod[]> {
    const { client } = this.#context;
    // Only pods that are named after the set can be its pods, whatever their labels say.
    const candidates = claimable(this.#pods.lister, set).filter((pod) => ordinalOf(set, pod) !== undefined);
    const claims = planClaims(set, set.spec.selector, candidates);
    return claim(client.pods, this.#reference(set), claims, staysOnServer(client.statefulSets, set, signal), signal);
  }

  async #revisionsOf(set: StatefulSet, signal: AbortSignal) {
    const reference = this.#reference(set);
    const stays = staysOnServer(this.#context.client.statefulSets, set, signal);
    const all = await this.#history.of(set, reference, set.spec.selector, stays, signal);
    const snapshot = {
      owner: set,
      reference,
      data: templatePatch(set.spec.template),
      labels: set.spec.template.metadata?.labels ?? {},
      hashLabel: "controller.kubernetes.io/hash",
      collisionCount: set.status?.collisionCount,
    };
    const { revision: update, collisionCount } = await this.#history.ensure(snapshot, all, signal);
    const current = all.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
    const revisions: Revisions = { current, update, collisionCount };
    return { revisions, all };
  }

  /** New pods in growing batches, all else one by one. Returns the first failure, after which nothing more is tried. */
  async #carryOut(key: ObjectKey, set: StatefulSet, steps: readonly Step[], signal: AbortSignal): Promise<unknown> {
    try {
      const creations = steps.filter(({ kind }) => kind === "create");
      await slowStart(
        creations.length,
        (i) => this.#create(key, set, creations[i] as Step, signal),
        () => undefined,
      );
      for (const step of steps) {
        if (step.kind === "create") continue;
        await this.#settleClaims(set, step, signal);
        if (step.kind === "repair") await this.#context.client.pods.update(step.pod, { signal });
        else if (step.kind === "delete") await this.#delete(key, set, step, signal);
      }
    } catch (error) {
      return error ?? new Error("a step failed");
    }
    return undefined;
  }

  async #create(key: ObjectKey, set: StatefulSet, step: Step, signal: AbortSignal): Promise<void> {
    const what = `create Pod ${step.pod.metadata.name} in StatefulSet ${set.metadata.name}`;
    try {
      await this.#settleClaims(set, step, signal);
      this.#expectations.expectCreations(key, 1);
      await this.#context.client.pods.create(step.pod, { signal }).catch((error: unknown) => {
        this.#expectations.creationObserved(key);
        throw error;
      });
      this.#events.event(set, "Normal", "SuccessfulCreate", `${what} successful`);
    } catch (error) {
      if (isNamespaceTerminating(error)) return;
      if (!signal.aborted) {
        this.#events.event(set, "Warning", "FailedCreate", `${what} failed error: ${(error as Error).message}`);
      }
      throw error;
    }
  }

  async #delete(key: ObjectKey, set: StatefulSet, { pod, why }: Step, signal: AbortSignal): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    if (why === "finished") {
      const failed = pod.status?.phase === "Failed";
      const reason = failed ? "RecreatingFailedPod" : "RecreatingTerminatedPod";
      const message = `StatefulSet ${keyOf(set)} is recreating ${failed ? "failed" : "terminated"} Pod ${name}`;
      this.#events.event(set, failed ? "Warning" : "Normal", reason, message);
    }
    const what = `delete Pod ${name} in StatefulSet ${set.metadata.name}`;
    this.#expectations.expectDeletions(key, [keyOf(pod)]);
    try {
      await this.#context.client.pods.delete(namespace, name, { signal, preconditions: { uid } });
      this.#events.event(set, "Normal", "SuccessfulDelete", `${what} successful`);
    } catch (error) {
      this.#expectations.deletionObserved(key, keyFor(namespace, name));
      if (isNotFound(error)) return;
      if (!signal.aborted) {
        this.#events.event(set, "Warning", "FailedDelete", `${what} failed error: ${(error as Error).message}`);
      }
      throw error;
    }
  }

  async #settleClaims(set: StatefulSet, step: Step, signal: AbortSignal): Promise<void> {
    const { persistentVolumeClaims } = this.#context.client;
    for (const wanted of step.createClaims ?? []) {
      const what = `create Claim ${wanted.metadata.name} Pod ${step.pod.metadata.name} in StatefulSet ${set.metadata.name}`;
      try {
        await persistentVolumeClaims.create(wanted, { signal });
        this.#events.event(set, "Normal", "SuccessfulCreate", `${what} success`);
      } catch (error) {
        if (isAlreadyExists(error)) continue; // from a moment ago, not in the cache yet
        if (!signal.aborted && !isNamespaceTerminating(error)) {
          this.#events.event(set, "Warning", "FailedCreate", `${what} failed error: ${(error as Error).message}`);
        }
        throw error;
      }
    }
    for (const owned of step.updateClaims ?? []) await persistentVolumeClaims.update(owned, { signal });
  }

  #reference(set: StatefulSet) {
    return controllerReference(set, "apps/v1", "StatefulSet");
  }
}
