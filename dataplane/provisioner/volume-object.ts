import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../controlplane/api/mod.ts";
import { referenceTo } from "../../controlplane/client/mod.ts";
import { hostnameLabel, provisionedBy, provisionerFinalizer, provisionerName } from "./names.ts";

/** One per claim, for ever: made twice, it is the same volume. */
export function volumeNameOf({ metadata }: PersistentVolumeClaim): string {
  return `pvc-${metadata.uid}`;
}

const possibleModes = ["ReadWriteOnce", "ReadWriteOncePod"];

/** Why a directory of one node cannot be what the claim asks for; undefined: it can. */
export function refusal({ spec = {} }: PersistentVolumeClaim, { parameters }: StorageClass): string | undefined {
  const impossible = (spec.accessModes ?? []).filter((mode) => !possibleModes.includes(mode));
  if (impossible.length > 0)
    return `access mode ${impossible.join(", ")} is not supported: a directory of one node is ${possibleModes.join(" or ")}`;
  if (spec.volumeMode === "Block") return "volumeMode Block is not supported: the volume is a directory";
  if (spec.selector !== undefined) return "claim Selector is not supported";
  if (spec.dataSource !== undefined || spec.dataSourceRef !== undefined) return "data sources are not supported";
  const [unknown] = Object.keys(parameters ?? {});
  return unknown === undefined ? undefined : `unknown parameter ${JSON.stringify(unknown)} of the StorageClass`;
}

/**
 * The volume for a claim: a `local` one and not a hostPath, because only of such a one everybody knows that it lies on one node: it must have a
 * node affinity, which the scheduler keeps to, and a kubelet that does not find its directory says so instead of making an empty one.
 */
export function volumeFor(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  { hostname, path }: { readonly hostname: string; readonly path: string },
): PersistentVolume {
  const { accessModes = [], volumeMode = "Filesystem", resources } = claim.spec ?? {};
  const matchExpressions = [{ key: hostnameLabel, operator: "In" as const, values: [hostname] }];
  return {
    metadata: {
      name: volumeNameOf(claim),
      annotations: { [provisionedBy]: provisionerName },
      finalizers: [provisionerFinalizer],
    },
    spec: {
      capacity: { storage: resources?.requests?.storage ?? "0" },
      accessModes,
      volumeMode,
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? "Delete",
      storageClassName: storageClass.metadata.name,
      ...(storageClass.mountOptions === undefined ? {} : { mountOptions: storageClass.mountOptions }),
      claimRef: referenceTo(claim),
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
      local: { path },
    },
  };
}
