import type { Pod, ReplicaSet, ReplicaSetStatus, ReplicationController } from "../../api/mod.ts";
import {
  type EventRecorder,
  type Informer,
  keyOf,
  type ObjectKey,
  type Requeue,
  type ResourceClient,
  splitKey,
  type WorkQueue,
} from "../../client/mod.ts";
import { claim, claimable, planClaims, staysOnServer } from "../common/claims.ts";
import { type Controller, type ControllerContext, controllerQueue, recorderFor } from "../common/controller.ts";
import { sameJson } from "../common/equality.ts";
import { Expectations } from "../common/expectations.ts";
import { followPods } from "../common/owned-pods.ts";
import { controllerOf, controllerReference } from "../common/owners.ts";
import { PodControl, podFromTemplate } from "../common/pod-control.ts";
import { isActive, isTerminating } from "../common/pods.ts";
import { type Plan, plan } from "./plan.ts";
import { type ManageFailure, nextAvailableMs, statusOf } from "./status.ts";

/** What tells a ReplicaSet from its predecessor. */
export interface Flavour<T extends ReplicaSet | ReplicationController> {
  readonly controllerName: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly client: ResourceClient<T>;
  /** The object seen as a ReplicaSet. */
  readonly asReplicaSet: (object: T) => ReplicaSet;
  readonly withStatus: (object: T, status: ReplicaSetStatus) => T;
}

/** Keeps as many pods of a template alive as their owner asks for. */
export class ReplicaController<T extends ReplicaSet | ReplicationController> implements Controller {
  readonly name: string;
  readonly workers = 5;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #flavour: Flavour<T>;
  readonly #owners: Informer<T>;
  readonly #pods: Informer<Pod>;
  readonly #expectations: Expectations;
  readonly #podControl: PodControl;

  constructor(context: ControllerContext, flavour: Flavour<T>) {
    this.#context = context;
    this.#flavour = flavour;
    this.name = flavour.controllerName;
    this.queue = controllerQueue(this.name, context);
    this.#expectations = new Expectations(context.clock);
    const events: EventRecorder = recorderFor(this.name, context);
    this.#podControl = new PodControl(context.client, events, this.#expectations);
    this.#owners = context.informers.informer(flavour.client);
    this.#pods = context.informers.informer(context.client.pods);
    this.#owners.addHandler({
      onAdd: (owner) => this.queue.add(keyOf(owner)),
      onUpdate: (_, owner) => this.queue.add(keyOf(owner)),
      onDelete: (owner) => {
        this.#expectations.forget(keyOf(owner));
        this.queue.add(keyOf(owner));
      },
    });
    followPods({
      pods: this.#pods,
      owners: this.#owners,
      kind: flavour.kind,
      selectorOf: (owner) => flavour.asReplicaSet(owner).spec.selector,
      queue: this.queue,
      expectations: this.#expectations,
    });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Requeue | undefined> {
    const { namespace, name } = splitKey(key);
    const owner = this.#owners.lister.get(namespace, name);
    if (owner === undefined) return; // deleted: the garbage collector owns what is left
    const { clock, client } = this.#context;
    const replicaSet = this.#flavour.asReplicaSet(owner);
    // Asked before the pods are read: what comes in between leads to another look, not to a wrong one.
    const cacheIsFresh = this.#expectations.satisfied(key);
    const claims = planClaims(
      replicaSet,
      replicaSet.spec.selector,
      claimable(this.#pods.lister, replicaSet).filter(isActive),
    );
    const stays = staysOnServer(this.#flavour.client, owner, signal);
    const pods = await claim(client.pods, this.#reference(replicaSet), claims, stays, signal);
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
    const updated = this.#flavour.withStatus(owner, status);
    if (!sameJson(updated.status, owner.status)) await this.#flavour.client.updateStatus(updated, { signal });
    if (thrown !== undefined) throw thrown;
    const afterMs = nextAvailableMs(replicaSet, pods, clock.now());
    return afterMs === undefined ? undefined : { afterMs };
  }

  async #carryOut(key: ObjectKey, replicaSet: ReplicaSet, todo: Plan, signal: AbortSignal): Promise<void> {
    if (todo.kind === "create") {
      const reference = this.#reference(replicaSet);
      const pods = Array.from({ length: todo.count }, () =>
        podFromTemplate(replicaSet, reference, replicaSet.spec.template),
      );
      await this.#podControl.create(key, replicaSet, pods, signal);
    } else if (todo.kind === "delete") await this.#podControl.delete(key, replicaSet, todo.pods, signal);
  }

  /** Pods of all sets with the same owner: during a rolling update old and new ones crowd the same nodes. */
  #crowd(replicaSet: ReplicaSet): Pod[] {
    const owner = controllerOf(replicaSet);
    const siblings = owner === undefined ? [replicaSet] : this.#owners.lister.ownedBy(owner.uid);
    return siblings.flatMap((sibling) => this.#pods.lister.ownedBy(sibling.metadata.uid ?? ""));
  }

  #reference(replicaSet: ReplicaSet) {
    return controllerReference(replicaSet, this.#flavour.apiVersion, this.#flavour.kind);
  }
}

export function replicaSetController(context: ControllerContext): Controller {
  return new ReplicaController<ReplicaSet>(context, {
    controllerName: "replicaset-controller",
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    client: context.client.replicaSets,
    asReplicaSet: (replicaSet) => replicaSet,
    withStatus: (replicaSet, status) => ({ ...replicaSet, status }),
  });
}
