/** The provisioner as StorageClasses name it. */
export const provisionerName = "flotilla.dev/local";

/** On a claim: who is to make its volume. Written by the volume controller. */
export const storageProvisioner = "volume.kubernetes.io/storage-provisioner";
/** On a claim: the node where it is to be made. Written by the scheduler, or by the volume controller where no pod waits. */
export const selectedNode = "volume.kubernetes.io/selected-node";
/** On a volume: who made it, and who removes it. */
export const provisionedBy = "pv.kubernetes.io/provisioned-by";
/** Keeps a volume until its directory is gone, also when somebody deletes it before its claim. */
export const provisionerFinalizer = "external-provisioner.volume.kubernetes.io/finalizer";

export const hostnameLabel = "kubernetes.io/hostname";
