import type { PersistentVolume } from "../../../../controlplane/api/mod.ts";
import { csi } from "../../../../proto/mod.ts";

const modes = csi.VolumeCapabilityAccessModeMode;

/** What a volume's access modes are in the words of CSI: of several the first counts, as in the original. */
function modeOf(accessMode: string | undefined, knowsSingleWriter: boolean): csi.VolumeCapabilityAccessModeMode {
  switch (accessMode) {
    case "ReadOnlyMany":
      return modes.MULTI_NODE_READER_ONLY;
    case "ReadWriteMany":
      return modes.MULTI_NODE_MULTI_WRITER;
    case "ReadWriteOncePod":
      return knowsSingleWriter ? modes.SINGLE_NODE_SINGLE_WRITER : modes.SINGLE_NODE_WRITER;
    default:
      return knowsSingleWriter ? modes.SINGLE_NODE_MULTI_WRITER : modes.SINGLE_NODE_WRITER;
  }
}

/** What a volume is mounted for. `group`: for drivers that give files to it themselves. */
export function mountCapability(
  { accessModes = [], mountOptions = [], csi: source }: PersistentVolume["spec"] & object,
  knowsSingleWriter: boolean,
  group: number | undefined,
) {
  return {
    mount: {
      fsType: source?.fsType ?? "",
      mountFlags: mountOptions,
      volumeMountGroup: group === undefined ? "" : `${group}`,
    },
    accessMode: { mode: modeOf(accessModes[0], knowsSingleWriter) },
  };
}
