import type { Deployment, Pod, ReplicaSet } from "../../api/mod.ts";
import {
  type EventRecorder,
  type Informer,
  isAlreadyExists,
  isNotFound,
  keyFor,
  keyOf,
  type ObjectKey,
  type Requeue,
  splitKey,
  type WorkQueue,
} from "../../client/mod.ts";
import { claim, claimable, planClaims, staysOnServer } from "../common/claims.ts";
import { withCondition } from "../common/conditions.ts";
import { type Controller, type ControllerContext, controllerQueue, recorderFor } from "../common/controller.ts";
import { sameJson } from "../common/equality.ts";
import { selects, selectsAll } from "../common/label-selector.ts";
import { controllerOf, controllerReference } from "../common/owners.ts";
import { revisionAnnotation, sizeAnnotations } from "./annotations.ts";
import { type Plan, plan } from "./plan.ts";
import { type Resize, sizeOf } from "./rolling-update.ts";
import { condition, hasDeadline, reasons, stuckCheckMs } from "./status.ts";
import { sameTemplate } from "./template-hash.ts";

/** Replaces pods of an old template by pods of a new one, through one ReplicaSet per template. */
export class DeploymentController implements Controller {
  readonly name = "deployment-controller";
  readonly workers = 5;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #deployments: Informer<Deployment>;
  readonly #replicaSets: Informer<ReplicaSet>;
  readonly #pods: Informer<Pod>;
  readonly #events: EventRecorder;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#events = recorderFor(this.name, context);
    this.#deployments = context.informers.informer(context.client.deployments);
    this.#replicaSets = context.informers.informer(context.client.replicaSets);
    this.#pods = context.informers.informer(context.client.pods);
    this.#deployments.addHandler({
      onAdd: (deployment) => this.queue.add(keyOf(deployment)),
      onUpdate: (_, deployment) => this.queue.add(keyOf(deployment)),
    });
    this.#replicaSets.addHandler({
      onAdd: (replicaSet) => this.#replicaSetChanged(replicaSet),
      onUpdate: (old, replicaSet) => {
        if (controllerOf(old)?.uid !== controllerOf(replicaSet)?.uid) this.#replicaSetChanged(old);
        this.#replicaSetChanged(replicaSet);
      },
      onDelete: (replicaSet) => this.#replicaSetChanged(replicaSet),
    });
    // Recreate waits for the last old pod to go.
    this.#pods.addHandler({ onDelete: (pod) => this.#podGone(pod) });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Requeue | undefined> {
    const { namespace = "", name } = splitKey(key);
    const deployment = this.#deployments.lister.get(namespace, name);
    if (deployment === undefined) return; // deleted: the garbage collector owns what is left
    if (selectsAll(deployment.spec.selector)) {
      this.#events.event(
        deployment,
        "Warning",
        "SelectingAll",
        "This deployment is selecting all pods. A non-empty selector is required.",
      );
      return;
    }
    const { client, clock } = this.#context;
    const claims = planClaims(deployment, deployment.spec.selector, claimable(this.#replicaSets.lister, deployment));
    const reference = controllerReference(deployment, "apps/v1", "Deployment");
    const stays = staysOnServer(client.deployments, deployment, signal);
    const replicaSets = await claim(client.replicaSets, reference, claims, stays, signal);
    const pods = replicaSets.flatMap((replicaSet) => this.#pods.lister.ownedBy(replicaSet.metadata.uid ?? ""));
    const nowMs = clock.now();
    const decided = plan({ deployment, replicaSets, pods, nowMs });
    const current = await this.#carryOut(deployment, decided, signal);
    if (current === undefined) return;
    const { status } = decided;
    if (!sameJson(status, deployment.status)) await client.deployments.updateStatus({ ...current, status }, { signal });
    const afterMs = stuckCheckMs(deployment, status, nowMs);
    return afterMs === undefined ? undefined : { afterMs };
  }

  /** The Deployment as it is on the server afterwards; undefined when a name was taken and the step is to be decided again. */
  async #carryOut(deployment: Deployment, decided: Plan, signal: AbortSignal): Promise<Deployment | undefined> {
    if (decided.create !== undefined && !(await this.#create(deployment, decided.create, signal))) return undefined;
    // A set that is both refreshed and resized is written once: a second write would carry an old version.
    const refresh = decided.refresh;
    const target = decided.resizes.find(({ replicaSet }) => replicaSet.metadata.uid === refresh?.metadata.uid);
    if (refresh !== undefined && target === undefined) {
      await this.#context.client.replicaSets.update(refresh, { signal });
    }
    for (const resize of decided.resizes) {
      await this.#resize(
        deployment,
        resize === target && refresh !== undefined ? { ...resize, base: refresh } : resize,
        signal,
      );
    }
    for (const { metadata } of decided.remove) {
      const { namespace, name, uid } = metadata;
      await this.#context.client.replicaSets
        .delete(namespace, name, { signal, preconditions: { uid } })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
    }
    if (decided.revision === undefined) return deployment;
    const { namespace, name } = deployment.metadata;
    const patch = { metadata: { annotations: { [revisionAnnotation]: decided.revision } } };
    return this.#context.client.deployments.patch(namespace, name, "merge", patch, { signal });
  }

  async #resize(deployment: Deployment, resize: Resize & { base?: ReplicaSet }, signal: AbortSignal): Promise<void> {
    const { replicaSet, replicas, base = replicaSet } = resize;
    const before = sizeOf(replicaSet);
    const annotations = { ...base.metadata.annotations, ...sizeAnnotations(deployment) };
    const scaled = { ...base, metadata: { ...base.metadata, annotations }, spec: { ...base.spec, replicas } };
    await this.#context.client.replicaSets.update(scaled, { signal });
    if (before === replicas) return;
    const direction = replicas > before ? "up" : "down";
    const message = `Scaled ${direction} replica set ${replicaSet.metadata.name} from ${before} to ${replicas}`;
    this.#events.event(deployment, "Normal", "ScalingReplicaSet", message);
  }

  /** False when the name is taken by another template: the collision is counted, and the next attempt has another name. */
  async #create(deployment: Deployment, replicaSet: ReplicaSet, signal: AbortSignal): Promise<boolean> {
    const { client } = this.#context;
    const { namespace, name } = replicaSet.metadata;
    try {
      await client.replicaSets.create(replicaSet, { signal });
    } catch (error) {
      if (isAlreadyExists(error)) return this.#settleCollision(deployment, replicaSet, signal);
      if (!signal.aborted) await this.#reportFailedCreate(deployment, replicaSet, error, signal);
      throw error;
    }
    if (sizeOf(replicaSet) > 0) {
      const message = `Scaled up replica set ${name} from 0 to ${sizeOf(replicaSet)}`;
      this.#events.event(deployment, "Normal", "ScalingReplicaSet", message);
    }
    this.#context.log("debug", "created a replica set", { namespace, name });
    return true;
  }

  async #settleCollision(deployment: Deployment, wanted: ReplicaSet, signal: AbortSignal): Promise<boolean> {
    const { client } = this.#context;
    const { namespace, name } = wanted.metadata;
    const existing = await client.replicaSets.get(namespace, name, { signal });
    // Ours from a moment ago, not in the cache yet.
    const ours = controllerOf(existing)?.uid === deployment.metadata.uid;
    if (ours && sameTemplate(existing.spec.template, wanted.spec.template)) return true;
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
    await client.deployments.updateStatus(
      { ...deployment, status: { ...deployment.status, collisionCount } },
      { signal },
    );
    return false;
  }

  async #reportFailedCreate(
    deployment: Deployment,
    replicaSet: ReplicaSet,
    error: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    const message = `Failed to create new replica set "${replicaSet.metadata.name}": ${(error as Error).message}`;
    this.#events.event(deployment, "Warning", reasons.failedCreate, message);
    if (!hasDeadline(deployment)) return;
    const failed = condition("Progressing", "False", reasons.failedCreate, message, this.#context.clock.now());
    const conditions = withCondition(deployment.status?.conditions, failed);
    if (sameJson(conditions, deployment.status?.conditions)) return;
    const status = { ...deployment.status, conditions };
    await this.#context.client.deployments.updateStatus({ ...deployment, status }, { signal });
  }

  #replicaSetChanged(replicaSet: ReplicaSet): void {
    const { namespace = "", labels } = replicaSet.metadata;
    const owner = controllerOf(replicaSet);
    if (owner !== undefined) {
      if (owner.kind === "Deployment") this.queue.add(keyFor(namespace, owner.name));
      return;
    }
    for (const deployment of this.#deployments.lister.inNamespace(namespace)) {
      if (selects(deployment.spec.selector, labels)) this.queue.add(keyOf(deployment));
    }
  }

  #podGone(pod: Pod): void {
    const owner = controllerOf(pod);
    if (owner?.kind !== "ReplicaSet") return;
    const replicaSet = this.#replicaSets.lister.get(pod.metadata.namespace, owner.name);
    const deployment = replicaSet && controllerOf(replicaSet);
    if (deployment?.kind !== "Deployment") return;
    const key = keyFor(pod.metadata.namespace, deployment.name);
    if (this.#deployments.lister.getByKey(key)?.spec.strategy?.type === "Recreate") this.queue.add(key);
  }
}
