/** Where a volume of a pod lies on the node, ready for its containers. */
export interface MountedVolume {
  readonly path: string;
  /** No container may write to it, whatever it asks for. */
  readonly readOnly: boolean;
  /** The volume is this image, and lies wherever the engine keeps images: `path` is empty. */
  readonly image?: string;
}

/** By the names that the pod gives them. */
export type MountedVolumes = ReadonlyMap<string, MountedVolume>;
