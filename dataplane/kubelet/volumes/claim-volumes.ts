import { statSync } from "node:fs";
import type { Clock, Log } from "../../../base/mod.ts";
import {
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  Quantity,
  type Volume,
} from "../../../controlplane/api/mod.ts";
import { type Client, isConflict } from "../../../controlplane/client/mod.ts";
import { refOf } from "../pod/pod-ref.ts";
import { type BoundClaim, boundClaim, checkReachable } from "./claims.ts";
import { type CsiVolumes, refreshMs } from "./csi/csi-volumes.ts";
import { checkHostPath } from "./host-path.ts";
import { isMountPoint } from "./mount-table.ts";
import type { MountedVolume } from "./mounted-volume.ts";
import { giveToGroup } from "./ownership.ts";
import { VolumeError } from "./volume-error.ts";
import type { VolumeRecord, VolumeRecords } from "./volume-records.ts";

export interface ClaimVolumesOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly records: VolumeRecords;
  readonly csi: CsiVolumes;
  readonly node: () => Node | undefined;
  /** Tells users about a volume of a pod that did, or did not, become larger. */
  readonly event: (pod: Pod, type: "Normal" | "Warning", reason: string, message: string) => void;
}

/** A claim's volume as a pod has it. */
export interface MountedClaim {
  /** The pod's name for it. */
  readonly name: string;
  readonly claim: { readonly namespace: string; readonly name: string };
  readonly path: string;
}

interface Mounted extends MountedVolume {
  readonly claim: MountedClaim["claim"];
  checkedAtMs: number;
}

/** The volumes behind pods' claims: directories of this node (local, hostPath) and what CSI drivers mount. */
export class ClaimVolumes {
  readonly #options: ClaimVolumesOptions;
  /** By pod's uid and the volume's name in the pod. Only a shortcut: records on disk say who uses what. */
  readonly #mounted = new Map<string, Map<string, Mounted>>();

  constructor(options: ClaimVolumesOptions) {
    this.#options = options;
  }

  /** Idempotent. Rejects with VolumeError; the volume's name for messages is added to it. */
  async mount(pod: Pod, volume: Volume): Promise<MountedVolume> {
    const { uid } = refOf(pod);
    const known = this.#mounted.get(uid)?.get(volume.name);
    if (known !== undefined) {
      this.#lookAgain(pod, volume, known);
      return known;
    }
    const asked = volume.persistentVolumeClaim?.readOnly === true;
    let bound: BoundClaim;
    try {
      bound = await boundClaim(this.#options.client, pod, volume);
    } catch (error) {
      const kept = this.#kept(pod, volume);
      // The API does not answer, but what the pod uses was mounted by an earlier kubelet and still is.
      if (kept === undefined) throw error;
      return kept;
    }
    const mounted = await this.#setUp(pod, bound, asked);
    const ofPod = this.#mounted.get(uid) ?? new Map<string, Mounted>();
    this.#mounted.set(uid, ofPod);
    ofPod.set(volume.name, {
      ...mounted,
      claim: { namespace: bound.claim.metadata.namespace ?? "", name: bound.claim.metadata.name ?? "" },
      checkedAtMs: this.#options.clock.monotonic(),
    });
    return mounted;
  }

  mountedFor(uid: string): MountedClaim[] {
    return [...(this.#mounted.get(uid) ?? [])].map(([name, { claim, path }]) => ({ name, claim, path }));
  }

  async #setUp(pod: Pod, { claim, volume }: BoundClaim, asked: boolean): Promise<MountedVolume> {
    const { spec = {}, metadata } = volume;
    const { name = "" } = metadata;
    try {
      checkReachable(volume, this.#options.node());
      const readOnly = asked || spec.csi?.readOnly === true;
      if (spec.csi !== undefined) {
        const path = await this.#options.csi.mount({ pod, volume, readOnly });
        await this.#grow(pod, claim, volume, readOnly);
        return { path, readOnly };
      }
      const path = this.#directory(pod, volume, readOnly);
      const group = pod.spec.securityContext?.fsGroup;
      if (group !== undefined && spec.local !== undefined && !readOnly)
        await giveToGroup(path, group, {
          readOnly,
          changePolicy:
            pod.spec.securityContext?.fsGroupChangePolicy === "OnRootMismatch" ? "OnRootMismatch" : "Always",
        });
      return { path, readOnly };
    } catch (error) {
      throw error instanceof VolumeError ? error.about(name) : error;
    }
  }

  /** A directory of this node needs no mount of its own: containers mount it themselves. */
  #directory(pod: Pod, { spec = {}, metadata }: PersistentVolume, readOnly: boolean): string {
    const { uid } = refOf(pod);
    const { name = "" } = metadata;
    const exclusive = spec.accessModes?.includes("ReadWriteOncePod") === true;
    // The scheduler sees to it as well, but not every pod comes from it.
    this.#options.records.requireFree(uid, { name, exclusive });
    if (spec.local !== undefined) {
      const { path } = spec.local;
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined)
        throw new VolumeError(`path "${path}" does not exist`, "MountVolume.NewMounter initialization");
      if (!stat.isDirectory())
        throw new VolumeError(`path "${path}" is not a directory: local volumes of block devices are not supported`);
      this.#options.records.write(uid, "local-volume", { name, path, readOnly, exclusive });
      return path;
    }
    if (spec.hostPath !== undefined) {
      const path = checkHostPath(spec.hostPath.path, spec.hostPath.type ?? "");
      this.#options.records.write(uid, "host-path", { name, path, readOnly, exclusive });
      return path;
    }
    throw new VolumeError(
      "no volume plugin matched: this kubelet knows local, hostPath and csi",
      "MountVolume.NewMounter initialization",
    );
  }

  /** What an earlier kubelet mounted for this pod, if its claim's volume can be told without asking the API. */
  #kept(pod: Pod, volume: Volume): MountedVolume | undefined {
    const { uid } = refOf(pod);
    const records = this.#options.records.ofPod(uid);
    const claims = (pod.spec.volumes ?? []).filter((one) => one.persistentVolumeClaim ?? one.ephemeral);
    const [record] = records;
    // One claim and one record: they belong together. Of several, the API has to say which is whose.
    if (record === undefined || records.length > 1 || claims.length > 1 || claims[0]?.name !== volume.name)
      return undefined;
    const path = record.csi === undefined ? record.path : this.#options.csi.target(uid, record.name);
    if (path === undefined || (record.csi !== undefined && !isMountPoint(path))) return undefined;
    return { path, readOnly: record.readOnly };
  }

  #lookAgain(pod: Pod, volume: Volume, known: Mounted): void {
    const { clock, client, log } = this.#options;
    const now = clock.monotonic();
    if (now - known.checkedAtMs < refreshMs) return;
    known.checkedAtMs = now;
    const look = async () => {
      const bound = await boundClaim(client, pod, volume);
      if (bound.volume.spec?.csi === undefined) return;
      await this.#options.csi.refresh({ pod, volume: bound.volume, readOnly: known.readOnly });
      await this.#grow(pod, bound.claim, bound.volume, known.readOnly);
    };
    // A claim that goes while its pod runs is nothing to the pod.
    look().catch((error: Error) => log("debug", "a claim could not be looked at", { error: error.message }));
  }

  /** The node's part of making a volume larger: the file system in it. */
  async #grow(pod: Pod, claim: PersistentVolumeClaim, volume: PersistentVolume, readOnly: boolean): Promise<void> {
    const { client, csi, event } = this.#options;
    const { status = {} } = claim;
    if (status.allocatedResourceStatuses?.storage !== "NodeResizePending") return;
    const storage = status.allocatedResources?.storage ?? volume.spec?.capacity?.storage ?? "";
    const { name } = volume.metadata;
    try {
      await csi.expand({ pod, volume, readOnly }, Quantity.of(storage).value());
    } catch (error) {
      const message = `NodeExpandVolume.NodeExpandVolume failed for volume "${name}" : ${(error as Error).message}`;
      event(pod, "Warning", "VolumeResizeFailed", message);
      return; // smaller than asked for, and as usable as before: tried again
    }
    const { allocatedResourceStatuses, ...rest } = status;
    const { storage: _, ...others } = allocatedResourceStatuses;
    const grown = {
      ...rest,
      capacity: { ...status.capacity, storage },
      ...(Object.keys(others).length === 0 ? {} : { allocatedResourceStatuses: others }),
      conditions: status.conditions?.filter(({ type }) => type !== "FileSystemResizePending" && type !== "Resizing"),
    };
    try {
      await client.persistentVolumeClaims.updateStatus({ ...claim, status: grown });
    } catch (error) {
      if (!isConflict(error)) throw error; // said again when it is looked at again
      return;
    }
    event(pod, "Normal", "FileSystemResizeSuccessful", `MountVolume.NodeExpandVolume succeeded for volume "${name}"`);
  }

  /** Lets go of what the pod uses. Idempotent; rejects while a driver cannot be reached. */
  async unmount(uid: string): Promise<void> {
    this.#mounted.delete(uid);
    for (const record of this.#options.records.ofPod(uid)) await this.#tearDown(uid, record);
    this.#options.csi.release(uid);
  }

  async #tearDown(uid: string, record: VolumeRecord): Promise<void> {
    if (record.csi !== undefined) await this.#options.csi.unmount(uid, record);
  }
}
