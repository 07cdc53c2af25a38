import { createHash } from "node:crypto";
import type { Node, PersistentVolume, VolumeAttachment } from "../../api/mod.ts";

/** A volume that a pod of a node needs there. */
export interface Wanted {
  readonly volume: PersistentVolume;
  readonly nodeName: string;
  /** `namespace/name`, for events. */
  readonly pod: string;
}

export interface Plan {
  readonly attach: readonly Wanted[];
  readonly detach: readonly VolumeAttachment[];
  /** Wanted on a second node while the first has it, and its access mode allows one only. */
  readonly contended: readonly Wanted[];
  /** Nobody wants it; the node says that it is still mounted. When to look again. */
  readonly againInMs: number | undefined;
}

/** A node that does not answer is waited for this long to unmount; then its volumes are taken from it. */
export const unmountPatienceMs = 6 * 60_000;
const outOfServiceTaint = "node.kubernetes.io/out-of-service";

/** As the original derives it, so that an attachment is found again by whoever looks. */
export function attachmentName(volume: PersistentVolume, nodeName: string): string {
  const { driver = "", volumeHandle = "" } = volume.spec?.csi ?? {};
  return `csi-${createHash("sha256").update(`${volumeHandle}${driver}${nodeName}`).digest("hex")}`;
}

/** What nodes call a volume in their status. */
export function uniqueName(volume: PersistentVolume): string {
  return `kubernetes.io/csi/${volume.spec?.csi?.driver}^${volume.spec?.csi?.volumeHandle}`;
}

function isShared({ spec }: PersistentVolume): boolean {
  return (spec?.accessModes ?? []).some((mode) => mode === "ReadOnlyMany" || mode === "ReadWriteMany");
}

/** `unwantedSinceMs`: since when nobody wants an attachment, by name. */
export function plan(
  wanted: readonly Wanted[],
  attachments: readonly VolumeAttachment[],
  volumeOf: (name: string) => PersistentVolume | undefined,
  nodeOf: (name: string) => Node | undefined,
  unwantedSinceMs: (attachment: string) => number,
  nowMs: number,
): Plan {
  const needed = new Map<string, Wanted>();
  for (const want of wanted) needed.set(attachmentName(want.volume, want.nodeName), want);
  const existing = new Set(attachments.map(({ metadata }) => metadata.name ?? ""));
  const attach: Wanted[] = [];
  const contended: Wanted[] = [];
  for (const [name, want] of needed) {
    if (existing.has(name)) continue;
    const elsewhere = attachments.some(
      ({ spec }) => spec.source.persistentVolumeName === want.volume.metadata.name && spec.nodeName !== want.nodeName,
    );
    const promised = attach.some(({ volume }) => volume.metadata.name === want.volume.metadata.name);
    if ((elsewhere || promised) && !isShared(want.volume)) contended.push(want);
    else attach.push(want);
  }
  const detach: VolumeAttachment[] = [];
  let againInMs: number | undefined;
  for (const attachment of attachments) {
    const name = attachment.metadata.name ?? "";
    if (needed.has(name) || attachment.metadata.deletionTimestamp !== undefined) continue;
    const volume = volumeOf(attachment.spec.source.persistentVolumeName ?? "");
    const node = nodeOf(attachment.spec.nodeName);
    const leftMs = unwantedSinceMs(name) + unmountPatienceMs - nowMs;
    if (!isMounted(node, volume) || leftMs <= 0) detach.push(attachment);
    else againInMs = Math.min(againInMs ?? leftMs, leftMs);
  }
  return { attach, detach, contended, againInMs };
}

/** As far as its node says, and anybody believes it. */
function isMounted(node: Node | undefined, volume: PersistentVolume | undefined): boolean {
  if (node === undefined || volume === undefined) return false;
  if (node.spec?.taints?.some(({ key }) => key === outOfServiceTaint)) return false;
  return node.status?.volumesInUse?.includes(uniqueName(volume)) === true;
}
