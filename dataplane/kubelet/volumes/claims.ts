import {
  matchesNodeSelector,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type Volume,
} from "../../../controlplane/api/mod.ts";
import type { Client } from "../../../controlplane/client/mod.ts";
import { refOf } from "../pod/pod-ref.ts";
import { NotProcessed, VolumeError } from "./volume-error.ts";

/** A claim of a pod and the volume behind it. */
export interface BoundClaim {
  readonly claim: PersistentVolumeClaim;
  readonly volume: PersistentVolume;
}

/** The claim a volume of a pod stands for; undefined: it stands for none. */
export function claimNameOf(pod: Pod, { name, persistentVolumeClaim, ephemeral }: Volume): string | undefined {
  if (persistentVolumeClaim !== undefined) return persistentVolumeClaim.claimName;
  return ephemeral === undefined ? undefined : `${refOf(pod).name}-${name}`;
}

/**
 * Asks the API for the claim and its volume. Rejects with NotProcessed, in the original's words, unless both say that they belong together
 * (desired_state_of_world_populator.go).
 */
export async function boundClaim(client: Client, pod: Pod, volume: Volume): Promise<BoundClaim> {
  const { namespace, name: podName } = refOf(pod);
  const name = claimNameOf(pod, volume) ?? "";
  const about = `error processing PVC ${namespace}/${name}`;
  const claim = await fetched(
    () => client.persistentVolumeClaims.get(namespace, name),
    `${about}: failed to fetch PVC`,
  );
  const { metadata, spec, status } = claim;
  const isOwner = metadata.ownerReferences?.some((one) => one.controller === true && one.uid === pod.metadata.uid);
  if (volume.ephemeral !== undefined && isOwner !== true)
    throw new NotProcessed(
      `PVC ${namespace}/${name} was not created for pod ${namespace}/${podName} (pod is not owner)`,
    );
  if (metadata.deletionTimestamp !== undefined) throw new NotProcessed(`${about}: PVC is being deleted`);
  if (status?.phase !== "Bound" || !spec?.volumeName) throw new NotProcessed(`${about}: PVC is not bound`);
  const { volumeName } = spec;
  const found = await fetched(() => client.persistentVolumes.get(volumeName), `failed to fetch PV ${volumeName}`);
  const boundTo = found.spec?.claimRef?.uid;
  if (boundTo !== metadata.uid)
    throw new NotProcessed(
      `found PV object "${volumeName}" with a pv.Spec.ClaimRef.UID "${boundTo ?? ""}" that does not point to claim.UID "${metadata.uid}"`,
    );
  return { claim, volume: found };
}

async function fetched<T>(get: () => Promise<T>, about: string): Promise<T> {
  try {
    return await get();
  } catch (error) {
    throw new NotProcessed(`${about} from API server: ${(error as Error).message}`, undefined, { cause: error });
  }
}

/** Rejects with VolumeError when the volume cannot be reached from the node, or is not what containers of today's engines mount. */
export function checkReachable({ metadata, spec }: PersistentVolume, node: Node | undefined): void {
  const required = spec?.nodeAffinity?.required;
  if (required !== undefined && (node === undefined || !matchesNodeSelector(required, node)))
    throw new VolumeError("no matching NodeSelectorTerms", "MountVolume.NodeAffinity check");
  if (spec?.volumeMode === "Block")
    throw new NotProcessed(`volume ${metadata.name} has volumeMode Block, but is specified in volumeMounts`);
}
