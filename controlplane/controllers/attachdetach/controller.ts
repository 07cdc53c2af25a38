import type { CSIDriver, Node, PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttachment } from "../../api/mod.ts";
import {
  type EventRecorder,
  type Informer,
  isAlreadyExists,
  isConflict,
  isNotFound,
  keyOf,
  type ObjectKey,
  type Requeue,
  splitKey,
  type WorkQueue,
} from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue, recorderFor } from "../common/controller.ts";
import { sameJson } from "../common/equality.ts";
import { isTerminal } from "../common/pods.ts";
import { claimsOf } from "../persistentvolume/annotations.ts";
import { attachmentName, plan, uniqueName, type Wanted } from "./plan.ts";

const all = "all";

/** Asks drivers, by VolumeAttachments, to attach the volumes that pods need to their nodes, and to detach the others. */
export class AttachDetachController implements Controller {
  readonly name = "attachdetach-controller";
  readonly workers = 1;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #pods: Informer<Pod>;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #nodes: Informer<Node>;
  readonly #drivers: Informer<CSIDriver>;
  readonly #attachments: Informer<VolumeAttachment>;
  readonly #events: EventRecorder;
  /** Since when attachments that are still mounted are wanted by nobody. */
  readonly #unwantedSinceMs = new Map<string, number>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#events = recorderFor(this.name, context);
    const { client, informers } = context;
    this.#pods = informers.informer(client.pods);
    this.#claims = informers.informer(client.persistentVolumeClaims);
    this.#volumes = informers.informer(client.persistentVolumes);
    this.#nodes = informers.informer(client.nodes);
    this.#drivers = informers.informer(client.csiDrivers);
    this.#attachments = informers.informer(client.volumeAttachments);
    const look = () => this.queue.add(all);
    const pod = (it: Pod) => {
      if (claimsOf(it).length > 0) look();
    };
    this.#pods.addHandler({
      onAdd: pod,
      onUpdate: (old, now) => {
        if (old.spec.nodeName !== now.spec.nodeName || isTerminal(old) !== isTerminal(now)) pod(now);
      },
      onDelete: pod,
    });
    this.#claims.addHandler({
      onUpdate: (old, now) => {
        if (old.spec?.volumeName !== now.spec?.volumeName) look();
      },
    });
    this.#volumes.addHandler({ onAdd: look });
    this.#drivers.addHandler({ onAdd: look, onUpdate: look });
    this.#attachments.addHandler({
      onAdd: look,
      onUpdate: (old, now) => {
        look();
        this.#report(old, now);
      },
      onDelete: look,
    });
    this.#nodes.addHandler({
      onUpdate: (old, now) => {
        if (!sameJson(old.status?.volumesInUse, now.status?.volumesInUse)) look();
        if (!sameJson(old.spec?.taints, now.spec?.taints)) look();
      },
      onDelete: look,
    });
  }

  async reconcile(_key: ObjectKey, signal: AbortSignal): Promise<Requeue | undefined> {
    const { client, clock } = this.#context;
    const now = clock.monotonic();
    const attachments = this.#attachments.lister.list();
    const wanted = this.#wanted();
    this.#noteUnwanted(wanted, attachments, now);
    const { attach, detach, contended, againInMs } = plan(
      wanted,
      attachments,
      (name) => this.#volumes.lister.get(undefined, name),
      (name) => this.#nodes.lister.get(undefined, name),
      (name) => this.#unwantedSinceMs.get(name) ?? now,
      now,
    );
    for (const { volume, pod } of contended) {
      const message = `Multi-Attach error for volume "${volume.metadata.name}" Volume is already exclusively attached to one node and can't be attached to another`;
      this.#tell(pod, "Warning", "FailedAttachVolume", message);
    }
    for (const { metadata } of detach) {
      try {
        await client.volumeAttachments.delete(metadata.name ?? "", { preconditions: { uid: metadata.uid }, signal });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    for (const want of attach) await this.#attach(want, signal);
    for (const node of this.#nodes.lister.list()) await this.#announce(node, attachments, signal);
    return againInMs === undefined ? undefined : { afterMs: againInMs };
  }

  #wanted(): Wanted[] {
    return this.#pods.lister.list().flatMap((pod) => {
      const { nodeName } = pod.spec;
      if (!nodeName || isTerminal(pod)) return [];
      return claimsOf(pod).flatMap((name): Wanted[] => {
        const claim = this.#claims.lister.get(pod.metadata.namespace, name);
        const volume = this.#volumes.lister.get(undefined, claim?.spec?.volumeName ?? "");
        if (claim === undefined || volume === undefined) return [];
        if (volume.spec?.claimRef?.uid !== claim.metadata.uid) return [];
        const { csi } = volume.spec ?? {};
        // Drivers that need no attaching say so; of one that says nothing, the API's default counts.
        if (csi === undefined || this.#drivers.lister.get(undefined, csi.driver)?.spec?.attachRequired === false)
          return [];
        return [{ volume, nodeName, pod: keyOf(pod) }];
      });
    });
  }

  #noteUnwanted(wanted: readonly Wanted[], attachments: readonly VolumeAttachment[], now: number): void {
    const needed = new Set(wanted.map(({ volume, nodeName }) => attachmentName(volume, nodeName)));
    const names = new Set(attachments.map(({ metadata }) => metadata.name ?? ""));
    for (const name of names)
      if (!needed.has(name) && !this.#unwantedSinceMs.has(name)) this.#unwantedSinceMs.set(name, now);
    for (const name of this.#unwantedSinceMs.keys())
      if (needed.has(name) || !names.has(name)) this.#unwantedSinceMs.delete(name);
  }

  async #attach({ volume, nodeName }: Wanted, signal: AbortSignal): Promise<void> {
    const attachment: VolumeAttachment = {
      metadata: { name: attachmentName(volume, nodeName) },
      spec: {
        attacher: volume.spec?.csi?.driver ?? "",
        nodeName,
        source: { persistentVolumeName: volume.metadata.name },
      },
    };
    try {
      await this.#context.client.volumeAttachments.create(attachment, { signal });
    } catch (error) {
      // The one before is on its way out: its end brings us back here.
      if (!isAlreadyExists(error)) throw error;
    }
  }

  /** Tells the kubelet which of its volumes it may mount. */
  async #announce(node: Node, attachments: readonly VolumeAttachment[], signal: AbortSignal): Promise<void> {
    const { name } = node.metadata;
    const volumesAttached = attachments
      .filter(({ spec, status }) => spec.nodeName === name && status?.attached === true)
      .flatMap(({ spec }) => {
        const volume = this.#volumes.lister.get(undefined, spec.source.persistentVolumeName ?? "");
        return volume === undefined ? [] : [{ name: uniqueName(volume), devicePath: "" }];
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    if (sameJson(node.status?.volumesAttached ?? [], volumesAttached)) return;
    try {
      const patch = { status: { volumesAttached } };
      await this.#context.client.nodes.patch(name ?? "", "merge", patch, { subresource: "status", signal });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  #report(old: VolumeAttachment, { spec, status, metadata }: VolumeAttachment): void {
    const volumeName = spec.source.persistentVolumeName ?? "";
    const failed = status?.attachError?.message;
    const pods = () => this.#wanted().filter((it) => attachmentName(it.volume, it.nodeName) === metadata.name);
    if (status?.attached === true && old.status?.attached !== true) {
      const message = `AttachVolume.Attach succeeded for volume "${volumeName}" `;
      for (const { pod } of pods()) this.#tell(pod, "Normal", "SuccessfulAttachVolume", message);
    } else if (failed !== undefined && failed !== old.status?.attachError?.message) {
      const message = `AttachVolume.Attach failed for volume "${volumeName}" : ${failed}`;
      for (const { pod } of pods()) this.#tell(pod, "Warning", "FailedAttachVolume", message);
    }
  }

  #tell(podKey: string, type: "Normal" | "Warning", reason: string, message: string): void {
    const { namespace, name } = splitKey(podKey);
    const pod = this.#pods.lister.get(namespace, name);
    if (pod !== undefined) this.#events.event(pod, type, reason, message);
  }
}
