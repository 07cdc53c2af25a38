import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { podDirOf, podsDirOf } from "../root-dir.ts";
import { VolumeError } from "./volume-error.ts";

/** What the node has to know of a claim's volume that a pod uses, to let go of it: also after a restart, and when the API does not answer. */
export interface VolumeRecord {
  /** Of the PersistentVolume. */
  readonly name: string;
  /** Where it was mounted from, for a volume that is a directory of this node. */
  readonly path?: string;
  readonly readOnly: boolean;
  readonly exclusive: boolean;
  readonly csi?: {
    readonly driver: string;
    readonly volumeHandle: string;
    /** The node told the API that it has this volume in use; it has to take that back. */
    readonly attachable: boolean;
  };
}

const kinds = ["local-volume", "host-path", "csi"] as const;
export type VolumeKind = (typeof kinds)[number];
const fileName = "vol_data.json";

export interface FoundRecord {
  readonly uid: string;
  readonly record: VolumeRecord;
}

/** Records of the claims' volumes that pods use: a directory for each, below the pod's own. The truth about who uses what is on disk. */
export class VolumeRecords {
  readonly #rootDir: string;

  constructor(rootDir: string) {
    this.#rootDir = rootDir;
  }

  /** The directory of one volume of one pod; a driver mounts at `mount` in it. */
  dir(uid: string, kind: VolumeKind, name: string): string {
    return join(podDirOf(this.#rootDir, uid), "volumes", `kubernetes.io~${kind}`, name);
  }

  write(uid: string, kind: VolumeKind, record: VolumeRecord): void {
    const dir = this.dir(uid, kind, record.name);
    mkdirSync(dir, { recursive: true, mode: 0o750 });
    writeFileSync(join(dir, `${fileName}.new`), JSON.stringify(record));
    renameSync(join(dir, `${fileName}.new`), join(dir, fileName));
  }

  read(uid: string, kind: VolumeKind, name: string): VolumeRecord | undefined {
    const text = unlessMissing(() => readFileSync(join(this.dir(uid, kind, name), fileName), "utf8"));
    return text === undefined ? undefined : (JSON.parse(text) as VolumeRecord);
  }

  ofPod(uid: string): VolumeRecord[] {
    const volumes = join(podDirOf(this.#rootDir, uid), "volumes");
    return kinds.flatMap((kind) =>
      (unlessMissing(() => readdirSync(join(volumes, `kubernetes.io~${kind}`))) ?? []).flatMap((name) => {
        const record = this.read(uid, kind, name);
        return record === undefined ? [] : [record];
      }),
    );
  }

  /** Throws VolumeError when the volume is for one pod at a time, and another has it. */
  requireFree(uid: string, { name, exclusive }: Pick<VolumeRecord, "name" | "exclusive">): void {
    if (exclusive && this.all().some((one) => one.uid !== uid && one.record.name === name))
      throw new VolumeError("volume uses the ReadWriteOncePod access mode and is already in use by another pod");
  }

  all(): FoundRecord[] {
    const uids = unlessMissing(() => readdirSync(podsDirOf(this.#rootDir))) ?? [];
    return uids.flatMap((uid) => this.ofPod(uid).map((record) => ({ uid, record })));
  }
}

function unlessMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
