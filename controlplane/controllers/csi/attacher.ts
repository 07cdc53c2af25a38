import { csi } from "../../../proto/mod.ts";
import type { CSINode, PersistentVolume, VolumeAttachment } from "../../api/mod.ts";
import { type Informer, type ObjectKey, timestamp, type WorkQueue } from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue } from "../common/controller.ts";
import { attachCapability } from "./capability.ts";
import { type CsiCaller, CsiError, type DriverInfo } from "./driver.ts";
import { readSecret } from "./secrets.ts";

/** Has a driver attach and detach what VolumeAttachments ask for. */
export class CsiAttacher implements Controller {
  readonly name: string;
  readonly workers = 4;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #driver: CsiCaller;
  readonly #info: DriverInfo;
  /** Keeps an attachment until the driver has detached. */
  readonly #finalizer: string;
  readonly #attachments: Informer<VolumeAttachment>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #csiNodes: Informer<CSINode>;

  constructor(context: ControllerContext, driver: CsiCaller, info: DriverInfo) {
    this.#context = context;
    this.#driver = driver;
    this.#info = info;
    this.#finalizer = `external-attacher/${info.name.replaceAll(".", "-")}`;
    this.name = `csi-attacher ${info.name}`;
    this.queue = controllerQueue(this.name, context);
    const { client, informers } = context;
    this.#attachments = informers.informer(client.volumeAttachments);
    this.#volumes = informers.informer(client.persistentVolumes);
    this.#csiNodes = informers.informer(client.csiNodes);
    const look = ({ spec, metadata }: VolumeAttachment) => {
      if (spec.attacher === info.name) this.queue.add(metadata.name ?? "");
    };
    this.#attachments.addHandler({ onAdd: look, onUpdate: (_, now) => look(now) });
  }

  async reconcile(name: ObjectKey, signal: AbortSignal): Promise<undefined> {
    const attachment = this.#attachments.lister.get(undefined, name);
    if (attachment === undefined) return;
    if (attachment.metadata.deletionTimestamp !== undefined) return this.#detach(attachment, signal);
    if (attachment.status?.attached === true) return;
    const { volumeAttachments } = this.#context.client;
    let current = attachment;
    const { finalizers = [] } = attachment.metadata;
    if (this.#info.canPublish && !finalizers.includes(this.#finalizer)) {
      // Before the driver is asked: what may be attached is never forgotten.
      const metadata = { ...attachment.metadata, finalizers: [...finalizers, this.#finalizer] };
      current = await volumeAttachments.update({ ...attachment, metadata }, { signal });
    }
    try {
      const attachmentMetadata = this.#info.canPublish ? await this.#publish(current, signal) : {};
      await volumeAttachments.updateStatus({ ...current, status: { attached: true, attachmentMetadata } }, { signal });
    } catch (error) {
      if (signal.aborted) throw error;
      const attachError = { message: (error as Error).message, time: timestamp(this.#context.clock.now()) };
      await volumeAttachments.updateStatus({ ...current, status: { attached: false, attachError } }, { signal });
      throw error;
    }
  }

  async #publish({ spec }: VolumeAttachment, signal: AbortSignal): Promise<Record<string, string>> {
    const volume = this.#volumeOf(spec.source.persistentVolumeName);
    const source = volume?.spec?.csi;
    if (volume === undefined || source === undefined)
      throw new Error(`the volume ${spec.source.persistentVolumeName} is not one of this driver`);
    const { accessModes = [], volumeMode, mountOptions: mountFlags = [] } = volume.spec ?? {};
    const access = { accessModes, volumeMode, fsType: source.fsType ?? "", mountFlags };
    const { publishContext } = await this.#driver.call(csi.ControllerService.methods.controllerPublishVolume, {
      volumeId: source.volumeHandle,
      nodeId: this.#nodeId(spec.nodeName),
      volumeCapability: attachCapability(access, this.#info.knowsSingleWriter),
      readonly: source.readOnly ?? false,
      secrets: await readSecret(this.#context.client, source.controllerPublishSecretRef, signal),
      volumeContext: csi.toEntries(source.volumeAttributes ?? {}),
    });
    return csi.fromEntries(publishContext);
  }

  async #detach(attachment: VolumeAttachment, signal: AbortSignal): Promise<undefined> {
    const { finalizers = [] } = attachment.metadata;
    if (!finalizers.includes(this.#finalizer)) return;
    const { client, clock } = this.#context;
    const source = this.#volumeOf(attachment.spec.source.persistentVolumeName)?.spec?.csi;
    if (source !== undefined) {
      try {
        await this.#driver.call(csi.ControllerService.methods.controllerUnpublishVolume, {
          volumeId: source.volumeHandle,
          nodeId: this.#nodeId(attachment.spec.nodeName),
          secrets: await readSecret(client, source.controllerPublishSecretRef, signal),
        });
      } catch (error) {
        // A volume that the driver does not know is not attached to anything.
        if (!(error instanceof CsiError) || error.code !== "NotFound") {
          if (signal.aborted) throw error;
          const detachError = { message: (error as Error).message, time: timestamp(clock.now()) };
          const attached = attachment.status?.attached ?? false;
          const status = { ...attachment.status, attached, detachError };
          await client.volumeAttachments.updateStatus({ ...attachment, status }, { signal });
          throw error;
        }
      }
    }
    const metadata = { ...attachment.metadata, finalizers: finalizers.filter((it) => it !== this.#finalizer) };
    await client.volumeAttachments.update({ ...attachment, metadata }, { signal });
  }

  #volumeOf(name: string | undefined): PersistentVolume | undefined {
    return this.#volumes.lister.get(undefined, name ?? "");
  }

  /** What the driver calls the node, as its node service has told the kubelet. */
  #nodeId(nodeName: string): string {
    const drivers = this.#csiNodes.lister.get(undefined, nodeName)?.spec.drivers ?? [];
    const id = drivers.find(({ name }) => name === this.#info.name)?.nodeID;
    if (id === undefined) throw new Error(`the driver ${this.#info.name} is not registered on node ${nodeName}`);
    return id;
  }
}
