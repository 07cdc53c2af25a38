import type { PersistentVolume } from "../../api/mod.ts";
import type { Informer, ObjectKey, WorkQueue } from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue } from "../common/controller.ts";
import { volumeFinalizer, wantedFinalizers } from "./finalizers.ts";

/** A volume that is deleted stays as long as a claim is bound to it. */
export class VolumeProtection implements Controller {
  readonly name = "pv-protection-controller";
  readonly workers = 1;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #volumes: Informer<PersistentVolume>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#volumes = context.informers.informer(context.client.persistentVolumes);
    const look = ({ metadata }: PersistentVolume) => this.queue.add(metadata.name ?? "");
    this.#volumes.addHandler({ onAdd: look, onUpdate: (_, volume) => look(volume) });
  }

  async reconcile(name: ObjectKey, signal: AbortSignal): Promise<undefined> {
    const volume = this.#volumes.lister.get(undefined, name);
    if (volume === undefined) return;
    const finalizers = wantedFinalizers(volume, volumeFinalizer, volume.status?.phase === "Bound");
    if (finalizers === undefined) return;
    const metadata = { ...volume.metadata, finalizers };
    await this.#context.client.persistentVolumes.update({ ...volume, metadata }, { signal });
  }
}
