import type { PersistentVolumeClaim, Pod, Volume } from "../../api/mod.ts";
import {
  type EventRecorder,
  type Informer,
  isAlreadyExists,
  keyOf,
  type ObjectKey,
  splitKey,
  type WorkQueue,
} from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue, recorderFor } from "../common/controller.ts";
import { controllerOf, controllerReference } from "../common/owners.ts";
import { isActive } from "../common/pods.ts";

/** Makes the claim of each ephemeral volume of a pod. The pod owns it, so it goes with the pod. */
export class EphemeralVolumeController implements Controller {
  readonly name = "ephemeral-volume-controller";
  readonly workers = 2;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #pods: Informer<Pod>;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #events: EventRecorder;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#events = recorderFor("ephemeral_volume", context);
    this.#pods = context.informers.informer(context.client.pods);
    this.#claims = context.informers.informer(context.client.persistentVolumeClaims);
    this.#pods.addHandler({
      onAdd: (pod) => {
        if (isActive(pod) && pod.spec.volumes?.some(({ ephemeral }) => ephemeral)) this.queue.add(keyOf(pod));
      },
    });
    this.#claims.addHandler({
      onDelete: (claim) => {
        const owner = controllerOf(claim);
        if (owner?.kind === "Pod") this.queue.add(`${claim.metadata.namespace}/${owner.name}`);
      },
    });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<undefined> {
    const { namespace = "", name } = splitKey(key);
    const pod = this.#pods.lister.get(namespace, name);
    if (pod === undefined || !isActive(pod)) return;
    for (const volume of pod.spec.volumes ?? []) if (volume.ephemeral) await this.#ensure(pod, volume, signal);
  }

  async #ensure(pod: Pod, volume: Volume, signal: AbortSignal): Promise<void> {
    const wanted = claimFor(pod, volume);
    const { namespace = "", name = "" } = wanted.metadata;
    let existing = this.#claims.lister.get(namespace, name);
    if (existing === undefined) {
      try {
        await this.#context.client.persistentVolumeClaims.create(wanted, { signal });
        return;
      } catch (error) {
        if (!isAlreadyExists(error)) {
          const message = `ephemeral volume ${volume.name}: create PVC ${name}: ${(error as Error).message}`;
          this.#events.event(pod, "Warning", "FailedBinding", message);
          throw error;
        }
        existing = await this.#context.client.persistentVolumeClaims.get(namespace, name, { signal });
      }
    }
    if (controllerOf(existing)?.uid === pod.metadata.uid) return;
    // Somebody's data could be in it: a pod never takes over what was not made for it.
    const why = `PVC ${namespace}/${name} was not created for pod ${keyOf(pod)} (pod is not owner)`;
    this.#events.event(pod, "Warning", "FailedBinding", `ephemeral volume ${volume.name}: ${why}`);
    throw new Error(why);
  }
}

export function claimFor(pod: Pod, { name, ephemeral }: Volume): PersistentVolumeClaim {
  const { metadata, spec } = ephemeral?.volumeClaimTemplate ?? {};
  return {
    metadata: {
      name: `${pod.metadata.name}-${name}`,
      namespace: pod.metadata.namespace,
      labels: metadata?.labels,
      annotations: metadata?.annotations,
      ownerReferences: [controllerReference(pod, "v1", "Pod")],
    },
    spec: spec ?? {},
  };
}
