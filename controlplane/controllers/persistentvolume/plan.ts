import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../api/mod.ts";
import {
  bindCompleted,
  boundByController,
  classOf,
  hasAnnotation,
  provisionedBy,
  selectedNode,
} from "./annotations.ts";
import { bestMatch, isBoundTo, mismatch, sameMode } from "./match.ts";

export interface Said {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export type ClaimPlan =
  /** Both sides name each other, both are Bound. May be half done already. */
  | { readonly do: "bind"; readonly volume: PersistentVolume }
  | { readonly do: "provision"; readonly storageClass: StorageClass }
  | { readonly do: "wait"; readonly say?: Said }
  /** Its volume, and with it the data, is gone. */
  | { readonly do: "lose"; readonly say: Said };

/** What the claim's controller knows: all volumes, and classes by name. */
export interface Storage {
  readonly volumes: ReadonlyMap<string, PersistentVolume>;
  readonly storageClass: (name: string) => StorageClass | undefined;
  /** Names of pods that use the claim and have no node yet. */
  readonly waitingPods: readonly string[];
}

function warning(reason: string, message: string): Said {
  return { type: "Warning", reason, message };
}

export function planClaim(claim: PersistentVolumeClaim, storage: Storage): ClaimPlan {
  return hasAnnotation(claim, bindCompleted) ? planBound(claim, storage) : planUnbound(claim, storage);
}

function planUnbound(claim: PersistentVolumeClaim, storage: Storage): ClaimPlan {
  const volumeName = claim.spec?.volumeName ?? "";
  if (volumeName === "") return choose(claim, storage);
  const volume = storage.volumes.get(volumeName);
  if (volume === undefined) return { do: "wait" }; // it may still be created
  if (volume.spec?.claimRef === undefined) {
    const why = mismatch(volume, claim);
    if (why === undefined) return { do: "bind", volume };
    return { do: "wait", say: warning("VolumeMismatch", `Cannot bind to requested volume "${volumeName}": ${why}`) };
  }
  if (isBoundTo(volume, claim)) return { do: "bind", volume };
  return { do: "wait", say: warning("FailedBinding", `volume "${volumeName}" already bound to a different claim.`) };
}

function choose(claim: PersistentVolumeClaim, { volumes, storageClass, waitingPods }: Storage): ClaimPlan {
  const className = classOf(claim);
  const found = className === "" ? undefined : storageClass(className);
  const delayed = found?.volumeBindingMode === "WaitForFirstConsumer" && !hasAnnotation(claim, selectedNode);
  const volume = bestMatch(claim, volumes.values(), delayed);
  if (volume !== undefined) return { do: "bind", volume };
  if (delayed) {
    const [pod] = waitingPods;
    const say: Said =
      pod === undefined
        ? {
            type: "Normal",
            reason: "WaitForFirstConsumer",
            message: "waiting for first consumer to be created before binding",
          }
        : { type: "Normal", reason: "WaitForPodScheduled", message: `waiting for pod ${pod} to be scheduled` };
    return { do: "wait", say };
  }
  if (className === "") {
    const why = "no persistent volumes available for this claim and no storage class is set";
    return { do: "wait", say: { type: "Normal", reason: "FailedBinding", message: why } };
  }
  if (found === undefined) {
    return { do: "wait", say: warning("ProvisioningFailed", `storageclass.storage.k8s.io "${className}" not found`) };
  }
  if (found.provisioner.startsWith("kubernetes.io/")) {
    const why = `no volume plugin matched name: ${found.provisioner}`;
    return { do: "wait", say: warning("ProvisioningFailed", why) };
  }
  return { do: "provision", storageClass: found };
}

function planBound(claim: PersistentVolumeClaim, { volumes }: Storage): ClaimPlan {
  const lose = (reason: string, message: string): ClaimPlan => ({ do: "lose", say: warning(reason, message) });
  const volumeName = claim.spec?.volumeName ?? "";
  if (volumeName === "")
    return lose("ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!");
  const volume = volumes.get(volumeName);
  if (volume === undefined)
    return lose("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
  // Its half of the binding was lost, for instance when objects were restored from a backup: it is written again.
  if (volume.spec?.claimRef === undefined || isBoundTo(volume, claim)) return { do: "bind", volume };
  return lose("ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly");
}

export type VolumePlan =
  | { readonly do: "phase"; readonly phase: "Available" | "Bound"; readonly say?: Said }
  /** The claim is gone; what happens to the data is the reclaim policy's business. */
  | { readonly do: "release"; readonly reclaim: Reclaim }
  /** The claim has another volume. `keepName`: the user reserved it for that claim's name, which stays. */
  | { readonly do: "unbind"; readonly keepName: boolean };

export type Reclaim =
  /** Nobody touches the data until an administrator does. */
  | { readonly kind: "retain" }
  /** Whoever made it removes it. */
  | { readonly kind: "by provisioner" }
  | { readonly kind: "fail"; readonly say: Said };

/** `claim`: the one that the volume names, by uid too; undefined when it does not exist. */
export function planVolume(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): VolumePlan {
  const ref = volume.spec?.claimRef;
  if (ref === undefined || !ref.uid) return { do: "phase", phase: "Available" };
  if (claim === undefined) return { do: "release", reclaim: reclaim(volume) };
  const volumeName = claim.spec?.volumeName ?? "";
  if (volumeName === "") {
    if (sameMode(volume, claim)) return { do: "phase", phase: "Bound" };
    const why = `Cannot bind PersistentVolume to requested PersistentVolumeClaim "${claim.metadata.name}" due to incompatible volumeMode.`;
    return { do: "phase", phase: "Bound", say: warning("VolumeMismatch", why) };
  }
  if (volumeName === volume.metadata.name) return { do: "phase", phase: "Bound" };
  // The claim took another one. A volume made for it is of no use to anybody else.
  if (hasAnnotation(volume, provisionedBy) && volume.spec?.persistentVolumeReclaimPolicy === "Delete")
    return { do: "release", reclaim: reclaim(volume) };
  return { do: "unbind", keepName: !hasAnnotation(volume, boundByController) };
}

function reclaim(volume: PersistentVolume): Reclaim {
  const { persistentVolumeReclaimPolicy = "Retain", csi } = volume.spec ?? {};
  switch (persistentVolumeReclaimPolicy) {
    case "Retain":
      return { kind: "retain" };
    case "Recycle":
      return {
        kind: "fail",
        say: warning("VolumeFailedRecycle", "No recycler plugin found for the volume!"),
      };
    default: {
      if (csi !== undefined || hasAnnotation(volume, provisionedBy)) return { kind: "by provisioner" };
      const { name } = volume.metadata;
      const why = `error getting deleter volume plugin for volume "${name}": no deletable volume plugin matched`;
      return { kind: "fail", say: warning("VolumeFailedDelete", why) };
    }
  }
}
