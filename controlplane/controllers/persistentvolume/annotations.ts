import type { PersistentVolumeClaim, Pod } from "../../api/mod.ts";

/** On a claim: the binding is complete, and if its volume is gone now, so are the data. */
export const bindCompleted = "pv.kubernetes.io/bind-completed";
/** On a claim or volume: its side of the binding was chosen by the controller, which may also undo it. */
export const boundByController = "pv.kubernetes.io/bound-by-controller";
/** On a volume: who made it, and who removes it. */
export const provisionedBy = "pv.kubernetes.io/provisioned-by";
/** On a claim: who is to make its volume. */
export const storageProvisioner = "volume.kubernetes.io/storage-provisioner";
export const betaStorageProvisioner = "volume.beta.kubernetes.io/storage-provisioner";
/** On a claim: the node of its first consumer, written by the scheduler. */
export const selectedNode = "volume.kubernetes.io/selected-node";
/** The provisioner inside the node agents: each serves the claims that name its node. */
export const localProvisioner = "flotilla.dev/local";

const betaStorageClass = "volume.beta.kubernetes.io/storage-class";

/** Empty: the claim wants a volume of no class. */
export function classOf({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata.annotations?.[betaStorageClass] ?? spec?.storageClassName ?? "";
}

export function hasAnnotation(
  { metadata }: { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } },
  name: string,
): boolean {
  return metadata.annotations?.[name] !== undefined;
}

/** The claims that a pod uses: those it names, and those made for its ephemeral volumes. */
export function claimsOf({ metadata, spec }: Pod): string[] {
  return (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim !== undefined) return [persistentVolumeClaim.claimName];
    return ephemeral === undefined ? [] : [`${metadata.name}-${name}`];
  });
}

/** Index of pods by the claims they use, as `namespace/claim`. */
export const claimIndex = "claim";
export function claimKeys(pod: Pod): string[] {
  return claimsOf(pod).map((name) => `${pod.metadata.namespace}/${name}`);
}
