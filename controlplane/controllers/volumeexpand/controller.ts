import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  type PersistentVolumeClaimCondition,
  Quantity,
} from "../../api/mod.ts";
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
import { localProvisioner, provisionedBy } from "../persistentvolume/annotations.ts";

export type ExpandPlan =
  | { readonly do: "nothing" }
  /** The storage of our own provisioner needs no work but the node's: the volume is larger, the node is asked to follow. */
  | { readonly do: "hand to node"; readonly storage: string }
  | { readonly do: "wait for another" };

/** Whether somebody has to make the claim's volume larger, and who. */
export function planExpansion(claim: PersistentVolumeClaim, volume: PersistentVolume | undefined): ExpandPlan {
  if (claim.status?.phase !== "Bound" || claim.metadata.deletionTimestamp !== undefined) return { do: "nothing" };
  if (volume === undefined || volume.spec?.claimRef?.uid !== claim.metadata.uid) return { do: "nothing" };
  const storage = claim.spec?.resources?.requests?.storage;
  const wanted = Quantity.of(storage);
  if (storage === undefined || wanted.compare(Quantity.of(claim.status.capacity?.storage)) <= 0)
    return { do: "nothing" };
  // A driver's volumes are expanded by whoever speaks with the driver (csi/).
  if (volume.spec?.csi !== undefined) return { do: "nothing" };
  if (volume.metadata.annotations?.[provisionedBy] !== localProvisioner) return { do: "wait for another" };
  const asked = claim.status.allocatedResourceStatuses?.storage === "NodeResizePending";
  if (asked && Quantity.of(claim.status.allocatedResources?.storage).compare(wanted) === 0) return { do: "nothing" };
  return { do: "hand to node", storage };
}

/** Begins the expansion of claims that ask for more than they have; the node finishes by writing the new `status.capacity`. */
export class VolumeExpandController implements Controller {
  readonly name = "volume_expand";
  readonly workers = 1;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #events: EventRecorder;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#events = recorderFor(this.name, context);
    this.#claims = context.informers.informer(context.client.persistentVolumeClaims);
    this.#volumes = context.informers.informer(context.client.persistentVolumes);
    const look = (claim: PersistentVolumeClaim) => this.queue.add(keyOf(claim));
    this.#claims.addHandler({ onAdd: look, onUpdate: (_, claim) => look(claim) });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<undefined> {
    const { namespace = "", name } = splitKey(key);
    const claim = this.#claims.lister.get(namespace, name);
    if (claim === undefined) return;
    const volume = this.#volumes.lister.get(undefined, claim.spec?.volumeName ?? "");
    const plan = planExpansion(claim, volume);
    if (plan.do === "wait for another") {
      const message = "waiting for an external controller to expand this PVC";
      this.#events.event(claim, "Normal", "ExternalExpanding", message);
    } else if (plan.do === "hand to node" && volume !== undefined) {
      await this.#handToNode(claim, volume, plan.storage, signal);
    }
  }

  async #handToNode(
    claim: PersistentVolumeClaim,
    volume: PersistentVolume,
    storage: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, clock } = this.#context;
    if (Quantity.of(volume.spec?.capacity?.storage).compare(Quantity.of(storage)) < 0) {
      const spec = { ...volume.spec, capacity: { ...volume.spec?.capacity, storage } };
      await client.persistentVolumes.update({ ...volume, spec }, { signal });
    }
    await client.persistentVolumeClaims.updateStatus(
      { ...claim, status: waitingForNode(claim, storage, timestamp(clock.now())) },
      { signal },
    );
    const message = "Require file system resize of volume on node";
    this.#events.event(claim, "Normal", "FileSystemResizeRequired", message);
  }
}

/** The status of a claim whose storage is large enough and whose file system is not yet. */
export function waitingForNode(
  { status }: PersistentVolumeClaim,
  storage: string,
  now: string,
): NonNullable<PersistentVolumeClaim["status"]> {
  const pending: PersistentVolumeClaimCondition = {
    type: "FileSystemResizePending",
    status: "True",
    lastTransitionTime: now,
    message: "Waiting for user to (re-)start a pod to finish file system resize of volume on node.",
  };
  return {
    ...status,
    allocatedResources: { ...status?.allocatedResources, storage },
    allocatedResourceStatuses: { ...status?.allocatedResourceStatuses, storage: "NodeResizePending" },
    conditions: withCondition(
      status?.conditions?.filter(({ type }) => type !== "Resizing"),
      pending,
    ),
  };
}
