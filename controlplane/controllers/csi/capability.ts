import { csi } from "../../../proto/mod.ts";

interface Capability {
  readonly block?: Record<string, never>;
  readonly mount?: { readonly fsType: string; readonly mountFlags: readonly string[] };
  readonly accessMode?: csi.VolumeCapabilityAccessMode;
}
const modes = csi.VolumeCapabilityAccessModeMode;

/** One access mode of the API in the words of CSI. Drivers that know no "one pod" are told "one node". */
function modeOf(accessMode: string, knowsSingleWriter: boolean): csi.VolumeCapabilityAccessModeMode {
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

export interface Access {
  readonly accessModes: readonly string[];
  readonly volumeMode: string | undefined;
  readonly fsType: string;
  readonly mountFlags: readonly string[];
}

/** What a volume must be able to do: one capability for each access mode. */
export function capabilities(
  { accessModes, volumeMode, fsType, mountFlags }: Access,
  knowsSingleWriter: boolean,
): Capability[] {
  const kind = volumeMode === "Block" ? { block: {} } : { mount: { fsType, mountFlags } };
  return accessModes.map((mode) => ({ ...kind, accessMode: { mode: modeOf(mode, knowsSingleWriter) } }));
}

/** What it is attached for: of several access modes the widest. */
export function attachCapability(access: Access, knowsSingleWriter: boolean): Capability {
  const order = ["ReadWriteMany", "ReadOnlyMany", "ReadWriteOnce", "ReadWriteOncePod"];
  const widest = order.find((mode) => access.accessModes.includes(mode)) ?? "ReadWriteOnce";
  return capabilities({ ...access, accessModes: [widest] }, knowsSingleWriter)[0] ?? {};
}
