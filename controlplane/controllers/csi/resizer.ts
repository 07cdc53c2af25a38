import { csi } from "../../../proto/mod.ts";
import { type PersistentVolume, type PersistentVolumeClaim, Quantity } from "../../api/mod.ts";
import {
  type EventRecorder,
  type Informer,
  keyOf,
  type ObjectKey,
  splitKey,
  timestamp,
  type WorkQueue,
} from "../../client/mod.ts";
import { withCondition } from "../common/conditions.ts";
import { type Controller, type ControllerContext, controllerQueue, recorderFor } from "../common/controller.ts";
import { waitingForNode } from "../volumeexpand/controller.ts";
import { attachCapability } from "./capability.ts";
import type { CsiCaller, DriverInfo } from "./driver.ts";
import { readSecret } from "./secrets.ts";

/** Has a driver make the volumes larger whose claims ask for more than they have. */
export class CsiResizer implements Controller {
  readonly name: string;
  readonly workers = 2;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #driver: CsiCaller;
  readonly #info: DriverInfo;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #events: EventRecorder;

  constructor(context: ControllerContext, driver: CsiCaller, info: DriverInfo) {
    this.#context = context;
    this.#driver = driver;
    this.#info = info;
    this.name = `csi-resizer ${info.name}`;
    this.queue = controllerQueue(this.name, context);
    this.#events = recorderFor(`external-resizer ${info.name}`, context);
    this.#claims = context.informers.informer(context.client.persistentVolumeClaims);
    this.#volumes = context.informers.informer(context.client.persistentVolumes);
    const look = (claim: PersistentVolumeClaim) => this.queue.add(keyOf(claim));
    this.#claims.addHandler({ onAdd: look, onUpdate: (_, claim) => look(claim) });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<undefined> {
    const { namespace = "", name } = splitKey(key);
    const claim = this.#claims.lister.get(namespace, name);
    const volume = this.#volumes.lister.get(undefined, claim?.spec?.volumeName ?? "");
    if (claim === undefined || volume === undefined || !this.#isToGrow(claim, volume)) return;
    const storage = claim.spec?.resources?.requests?.storage ?? "";
    try {
      await this.#grow(claim, volume, storage, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      const why = `resize volume "${volume.metadata.name}" by resizer "${this.#info.name}" failed: ${(error as Error).message}`;
      this.#events.event(claim, "Warning", "VolumeResizeFailed", why);
      throw error;
    }
  }

  #isToGrow({ metadata, spec, status }: PersistentVolumeClaim, volume: PersistentVolume): boolean {
    if (!this.#info.canExpand || volume.spec?.csi?.driver !== this.#info.name) return false;
    if (volume.spec.claimRef?.uid !== metadata.uid || metadata.deletionTimestamp !== undefined) return false;
    const wanted = Quantity.of(spec?.resources?.requests?.storage);
    if (status?.phase !== "Bound" || wanted.compare(Quantity.of(status.capacity?.storage)) <= 0) return false;
    // The node's part is under way already.
    const pending = status.allocatedResourceStatuses?.storage === "NodeResizePending";
    return !pending || Quantity.of(status.allocatedResources?.storage).compare(wanted) < 0;
  }

  async #grow(
    claim: PersistentVolumeClaim,
    volume: PersistentVolume,
    storage: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, clock } = this.#context;
    const now = timestamp(clock.now());
    const said = `External resizer is resizing volume ${volume.metadata.name}`;
    this.#events.event(claim, "Normal", "Resizing", said);
    const resizing = { type: "Resizing", status: "True" as const, lastTransitionTime: now };
    const begun = await client.persistentVolumeClaims.updateStatus(
      {
        ...claim,
        status: {
          ...claim.status,
          allocatedResources: { ...claim.status?.allocatedResources, storage },
          allocatedResourceStatuses: {
            ...claim.status?.allocatedResourceStatuses,
            storage: "ControllerResizeInProgress",
          },
          conditions: withCondition(claim.status?.conditions, resizing),
        },
      },
      { signal },
    );
    const source = volume.spec?.csi;
    const { accessModes = [], volumeMode, mountOptions: mountFlags = [] } = volume.spec ?? {};
    const access = { accessModes, volumeMode, fsType: source?.fsType ?? "", mountFlags };
    const { capacityBytes, nodeExpansionRequired } = await this.#driver.call(
      csi.ControllerService.methods.controllerExpandVolume,
      {
        volumeId: source?.volumeHandle ?? "",
        capacityRange: { requiredBytes: Quantity.of(storage).value() },
        volumeCapability: attachCapability(access, this.#info.knowsSingleWriter),
        secrets: await readSecret(client, source?.controllerExpandSecretRef, signal),
      },
    );
    const made =
      capacityBytes > Quantity.of(storage).value()
        ? Quantity.fromNumber(capacityBytes, "BinarySI").toString()
        : storage;
    const capacity = { ...volume.spec?.capacity, storage: made };
    await client.persistentVolumes.update({ ...volume, spec: { ...volume.spec, capacity } }, { signal });
    if (nodeExpansionRequired) {
      const status = waitingForNode(begun, storage, now);
      await client.persistentVolumeClaims.updateStatus({ ...begun, status }, { signal });
      const message = "Require file system resize of volume on node";
      this.#events.event(claim, "Normal", "FileSystemResizeRequired", message);
      return;
    }
    const { storage: _, ...allocatedResourceStatuses } = begun.status?.allocatedResourceStatuses ?? {};
    const status = {
      ...begun.status,
      capacity,
      allocatedResourceStatuses,
      conditions: begun.status?.conditions?.filter(({ type }) => type !== "Resizing"),
    };
    await client.persistentVolumeClaims.updateStatus({ ...begun, status }, { signal });
    this.#events.event(claim, "Normal", "VolumeResizeSuccessful", "Resize volume succeeded");
  }
}
