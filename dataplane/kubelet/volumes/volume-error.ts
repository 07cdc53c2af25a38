/** A volume that cannot be set up now. Shown as event FailedMount and tried again. */
export class VolumeError extends Error {
  override readonly name: string = "VolumeError";
  /** What failed, as the original calls it: `MountVolume.SetUp`, `MountVolume.MountDevice` … */
  readonly operation: string;
  /** The PersistentVolume, where it is not the pod's own name for the volume that users look for. */
  volumeName: string | undefined;

  constructor(message: string, operation = "MountVolume.SetUp", options?: ErrorOptions) {
    super(message, options);
    this.operation = operation;
  }

  about(volumeName: string): this {
    this.volumeName = volumeName;
    return this;
  }
}

/** What a volume refers to cannot be used yet: its claim is missing, not bound, or somebody else's. */
export class NotProcessed extends VolumeError {
  override readonly name = "NotProcessed";
}

/** The volume is not attached to the node yet. Whoever attaches it tells the user why it takes its time. */
export class NotAttached extends VolumeError {
  override readonly name = "NotAttached";
}
