import type { Pod, ReplicaSet } from "../../api/mod.ts";
import {
  type EventRecorder,
  type Informer,
  isNamespaceTerminating,
  isNotFound,
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
import { isActive, isTerminating } from "../common/pods.ts";
import { slowStart } from "../common/slow-start.ts";
import { type Plan, plan } from "./plan.ts";
import { type ManageFailure, nextAvailableMs, statusOf } from "./status.ts";

/** Keeps as many pods of a template alive as a ReplicaSet asks for. */
export class ReplicaSetController implements Controller {
  readonly name = "replicaset-controller";
  readonly workers = 5;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #replicaSets: Informer<ReplicaSet>;
  readonly #pods: Informer<Pod>;
  readonly #expectations: Expectations;
  readonly #events: EventRecorder;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#expectations = new Expectations(context.clock);
    this.#events = recorderFor(this.name, context);
    this.#replicaSets = context.informers.informer(context.client.replicaSets);
    this.#pods = context.informers.informer(context.client.pods);
    this.#replicaSets.addHandler({
      onAdd: (replicaSet) => this.queue.add(keyOf(replicaSet)),
      onUpdate: (_, replicaSet) => this.queue.add(keyOf(replicaSet)),
      onDelete: (replicaSet) => {
        this.#expectations.forget(keyOf(replicaSet));
        this.queue.add(keyOf(replicaSet));
      },
    });
    this.#pods.addHandler({
      onAdd: (pod) => this.#podAdded(pod),
      onUpdate: (old, pod) => this.#podChanged(old, pod),
      onDelete: (pod) => this.#podGoes(pod),
    });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Requeue | undefined> {
    const { namespace = "", name } = splitKey(key);
    const replicaSet = this.#replicaSets.lister.get(namespace, name);
    if (replicaSet === undefined) return; // deleted: the garbage collector owns what is left
    const { clock, client } = this.#context;
    // Asked before the pods are read: what comes in between leads to another look, not to a wrong one.
    const cacheIsFresh = this.#expectations.satisfied(key);
    const inNamespace = this.#pods.lister.inNamespace(namespace);
    const claims = planClaims(replicaSet, replicaSet.spec.selector, inNamespace.filter(isActive));
    const reference = controllerReference(replicaSet, "apps/v1", "ReplicaSet");
    const pods = await claim(client.pods, reference, claims, () => this.#stays(replicaSet, signal), signal);
    const terminating = this.#pods.lister.ownedBy(replicaSet.metadata.uid ?? "").filter(isTerminating).length;
    let failure: ManageFailure | undefined;
    let thrown: unknown;
    if (cacheIsFresh && replicaSet.metadata.deletionTimestamp === undefined) {
      const todo = plan(replicaSet, pods, this.#crowd(replicaSet), clock.now());
      try {
        await this.#carryOut(key, replicaSet, todo, signal);
      } catch (error) {
        thrown = error;
        const reason = todo.kind === "create" ? "FailedCreate" : "FailedDelete";
        failure = { reason, message: (error as Error).message };
      }
    }
    const status = statusOf(replicaSet, pods, terminating, failure, clock.now());
    if (!sameJson(status, replicaSet.status))
      await client.replicaSets.updateStatus({ ...replicaSet, status }, { signal });
    if (thrown !== undefined) throw thrown;
    const afterMs = nextAvailableMs(replicaSet, pods, clock.now());
    return afterMs === undefined ? undefined : { afterMs };
  }

  async #carryOut(key: ObjectKey, replicaSet: ReplicaSet, todo: Plan, signal: AbortSignal): Promise<void> {
    if (todo.kind === "create") {
      this.#expectations.expectCreations(key, todo.count);
      const unexpected = (count: number) => {
        for (let i = 0; i < count; i++) this.#expectations.creationObserved(key);
      };
      await slowStart(todo.count, () => this.#createPod(key, replicaSet, signal), unexpected);
    } else if (todo.kind === "delete") {
      this.#expectations.expectDeletions(key, todo.pods.map(keyOf));
      const outcomes = await Promise.allSettled(todo.pods.map((pod) => this.#deletePod(key, replicaSet, pod, signal)));
      const failed = outcomes.find((outcome) => outcome.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    }
  }

  async #createPod(key: ObjectKey, replicaSet: ReplicaSet, signal: AbortSignal): Promise<void> {
    const { metadata, spec } = replicaSet.spec.template ?? {};
    const { labels, annotations, finalizers } = metadata ?? {};
    const { namespace, name } = replicaSet.metadata;
    try {
      const pod = await this.#context.client.pods.create(
        {
          apiVersion: "v1",
          kind: "Pod",
          metadata: {
            // The name that is refused for being too long as a prefix is not ours to shorten: the server cuts it.
            name: "",
            generateName: `${name}-`,
            namespace,
            labels,
            annotations,
            finalizers,
            ownerReferences: [controllerReference(replicaSet, "apps/v1", "ReplicaSet")],
          },
          spec: spec ?? { containers: [] },
        },
        { signal },
      );
      this.#events.event(replicaSet, "Normal", "SuccessfulCreate", `Created pod: ${pod.metadata.name}`);
    } catch (error) {
      this.#expectations.creationObserved(key);
      if (isNamespaceTerminating(error)) return;
      if (!signal.aborted) {
        this.#events.event(replicaSet, "Warning", "FailedCreate", `Error creating: ${(error as Error).message}`);
      }
      throw error;
    }
  }

  async #deletePod(key: ObjectKey, replicaSet: ReplicaSet, pod: Pod, signal: AbortSignal): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    try {
      await this.#context.client.pods.delete(namespace, name, { signal, preconditions: { uid } });
      this.#events.event(replicaSet, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`);
    } catch (error) {
      this.#expectations.deletionObserved(key, keyOf(pod));
      if (isNotFound(error)) return;
      if (!signal.aborted) {
        this.#events.event(replicaSet, "Warning", "FailedDelete", `Error deleting: ${(error as Error).message}`);
      }
      throw error;
    }
  }

  /** Pods of all sets with the same owner: during a rolling update old and new ones crowd the same nodes. */
  #crowd(replicaSet: ReplicaSet): Pod[] {
    const owner = controllerOf(replicaSet);
    const siblings = owner === undefined ? [replicaSet] : this.#replicaSets.lister.ownedBy(owner.uid);
    return siblings.flatMap((sibling) => this.#pods.lister.ownedBy(sibling.metadata.uid ?? ""));
  }

  /** Asks the server, not the cache: pods must not be adopted by what is being deleted. */
  async #stays({ metadata }: ReplicaSet, signal: AbortSignal): Promise<boolean> {
    const { namespace, name, uid } = metadata;
    const fresh = await this.#context.client.replicaSets.get(namespace, name, { signal });
    return fresh.metadata.uid === uid && fresh.metadata.deletionTimestamp === undefined;
  }

  #ownerOf(pod: Pod): ReplicaSet | undefined {
    const owner = controllerOf(pod);
    if (owner?.kind !== "ReplicaSet") return undefined;
    const replicaSet = this.#replicaSets.lister.get(pod.metadata.namespace, owner.name);
    return replicaSet?.metadata.uid === owner.uid ? replicaSet : undefined;
  }

  #podAdded(pod: Pod): void {
    // Seen first when it already goes: after a restart of ours.
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.#podGoes(pod);
      return;
    }
    const owner = this.#ownerOf(pod);
    if (owner !== undefined) {
      this.#expectations.creationObserved(keyOf(owner));
      this.queue.add(keyOf(owner));
    } else this.#orphan(pod);
  }

  #podChanged(old: Pod, pod: Pod): void {
    if (pod.metadata.deletionTimestamp !== undefined && old.metadata.deletionTimestamp === undefined)
      this.#podGoes(pod);
    const before = this.#ownerOf(old);
    const owner = this.#ownerOf(pod);
    if (before !== undefined && before !== owner) this.queue.add(keyOf(before));
    if (owner !== undefined) this.queue.add(keyOf(owner));
    else this.#orphan(pod);
  }

  #podGoes(pod: Pod): void {
    const owner = this.#ownerOf(pod);
    if (owner === undefined) return;
    this.#expectations.deletionObserved(keyOf(owner), keyOf(pod));
    this.queue.add(keyOf(owner));
  }

  /** Somebody may want to adopt it. */
  #orphan(pod: Pod): void {
    if (controllerOf(pod) !== undefined) return;
    for (const replicaSet of this.#replicaSets.lister.inNamespace(pod.metadata.namespace ?? "")) {
      if (selects(replicaSet.spec.selector, pod.metadata.labels)) this.queue.add(keyOf(replicaSet));
    }
  }
}
