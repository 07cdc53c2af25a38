import type { PersistentVolumeClaim, Pod } from "../../api/mod.ts";
import { type Informer, keyOf, type ObjectKey, splitKey, type WorkQueue } from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue } from "../common/controller.ts";
import { isTerminal } from "../common/pods.ts";
import { claimIndex, claimKeys, claimsOf } from "../persistentvolume/annotations.ts";
import { claimFinalizer, wantedFinalizers } from "./finalizers.ts";

/** A claim that is deleted stays until no pod uses it any more. */
export class ClaimProtection implements Controller {
  readonly name = "pvc-protection-controller";
  readonly workers = 1;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #pods: Informer<Pod>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#claims = context.informers.informer(context.client.persistentVolumeClaims);
    this.#pods = context.informers.informer(context.client.pods);
    this.#pods.addIndex(claimIndex, claimKeys);
    const look = (claim: PersistentVolumeClaim) => this.queue.add(keyOf(claim));
    this.#claims.addHandler({ onAdd: look, onUpdate: (_, claim) => look(claim) });
    const released = (pod: Pod) => {
      for (const key of claimKeys(pod)) this.queue.add(key);
    };
    this.#pods.addHandler({
      onUpdate: (old, pod) => {
        if (!isTerminal(old) && isTerminal(pod)) released(pod);
      },
      onDelete: released,
    });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<undefined> {
    const { namespace = "", name } = splitKey(key);
    const claim = this.#claims.lister.get(namespace, name);
    if (claim === undefined) return;
    const used = this.#pods.lister.byIndex(claimIndex, key).some(holds);
    const finalizers = wantedFinalizers(claim, claimFinalizer, used);
    if (finalizers === undefined) return;
    // Letting go cannot be undone: that nobody uses it is believed of the server alone.
    if (claim.metadata.deletionTimestamp !== undefined && (await this.#isUsed(namespace, name, signal))) return;
    const metadata = { ...claim.metadata, finalizers };
    await this.#context.client.persistentVolumeClaims.update({ ...claim, metadata }, { signal });
  }

  async #isUsed(namespace: string, name: string, signal: AbortSignal): Promise<boolean> {
    const { items } = await this.#context.client.pods.listAll({ namespace, signal });
    return items.some((pod) => holds(pod) && claimsOf(pod).includes(name));
  }
}

/** Before it has a node no kubelet has mounted anything, and none will mount a claim that is being deleted. */
function holds(pod: Pod): boolean {
  return Boolean(pod.spec.nodeName) && !isTerminal(pod);
}
