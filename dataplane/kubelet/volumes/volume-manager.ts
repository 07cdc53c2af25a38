import { join } from "node:path";
import type { Clock, Log } from "../../../base/mod.ts";
import type { Node, Pod, Volume } from "../../../controlplane/api/mod.ts";
import type { Client } from "../../../controlplane/client/mod.ts";
import { refOf } from "../pod/pod-ref.ts";
import { allContainers } from "../pod/qos.ts";
import { podDirOf } from "../root-dir.ts";
import { writeAtomically } from "./atomic-writer.ts";
import { ClaimVolumes, type ClaimVolumesOptions, type MountedClaim } from "./claim-volumes.ts";
import { subPathsDirOf } from "./container-mounts.ts";
import { CsiVolumes, type CsiVolumesOptions } from "./csi/csi-volumes.ts";
import { makeEmptyDir } from "./empty-dir.ts";
import { checkHostPath } from "./host-path.ts";
import type { MountedVolume, MountedVolumes } from "./mounted-volume.ts";
import { type PayloadContext, volumePayload } from "./payload.ts";
import { removeTree, unmountIn } from "./remove-tree.ts";
import { NotAttached, NotProcessed, VolumeError } from "./volume-error.ts";
import { VolumeRecords } from "./volume-records.ts";

export interface VolumeManagerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly nodeName: string;
  readonly rootDir: string;
  /** Whether this process may mount: without, memory volumes are directories. */
  readonly canMount: boolean;
  /** Of the node. */
  readonly memoryBytes: number;
  readonly node: () => Node | undefined;
  /** Writes the node's status now. */
  readonly reportNode: () => Promise<void>;
  readonly event: ClaimVolumesOptions["event"];
  readonly tokens: CsiVolumesOptions["tokens"];
}

/** Kinds whose files the kubelet writes: containers must not change them. */
const projectedKinds = ["configMap", "secret", "downwardAPI", "projected"] as const;

/** Makes the volumes of pods ready for their containers, and takes them away again. */
export class VolumeManager {
  readonly #options: VolumeManagerOptions;
  readonly #claims: ClaimVolumes;
  readonly csi: CsiVolumes;

  constructor(options: VolumeManagerOptions) {
    this.#options = options;
    const records = new VolumeRecords(options.rootDir);
    this.csi = new CsiVolumes({ ...options, records, report: options.reportNode });
    this.#claims = new ClaimVolumes({ ...options, records, csi: this.csi });
  }

  /**
   * Makes or refreshes every volume that a container of the pod mounts. Rejects with VolumeError, after telling of each volume that cannot be
   * set up; the others are there nevertheless. Idempotent.
   */
  async mount(pod: Pod, context: PayloadContext, onFailure: (message: string) => void): Promise<MountedVolumes> {
    const mounts = allContainers(pod).flatMap(({ volumeMounts = [], volumeDevices = [] }) => [
      ...volumeMounts,
      ...volumeDevices,
    ]);
    const used = new Set(mounts.map(({ name }) => name));
    const mounted = new Map<string, MountedVolume>();
    const failed: { readonly name: string; readonly error: VolumeError }[] = [];
    for (const volume of pod.spec.volumes ?? []) {
      if (!used.has(volume.name)) continue;
      try {
        mounted.set(volume.name, await this.#setUp(pod, volume, context));
      } catch (cause) {
        const error =
          cause instanceof VolumeError ? cause : new VolumeError((cause as Error).message, undefined, { cause });
        failed.push({ name: volume.name, error });
        if (error instanceof NotProcessed || error instanceof NotAttached) continue;
        onFailure(`${error.operation} failed for volume "${error.volumeName ?? volume.name}" : ${error.message}`);
      }
    }
    if (failed.length === 0) return mounted;
    const names = (which: (error: VolumeError) => boolean) =>
      failed.flatMap(({ name, error }) => (which(error) ? [name] : [])).join(" ");
    const unprocessed = failed.filter(({ error }) => error instanceof NotProcessed);
    const why =
      unprocessed.length === 0
        ? "timed out waiting for the condition"
        : unprocessed.map(({ error }) => error.message).join("; ");
    const message = `unmounted volumes=[${names(() => true)}], unattached volumes=[${names((error) => error instanceof NotProcessed || error instanceof NotAttached)}], failed to process volumes=[${names((error) => error instanceof NotProcessed)}]: ${why}`;
    if (unprocessed.length > 0) onFailure(`Unable to attach or mount volumes: ${message}`);
    throw new VolumeError(message);
  }

  /** Claims' volumes that are mounted for a pod. */
  claimsOf(uid: string): MountedClaim[] {
    return this.#claims.mountedFor(uid);
  }

  async #setUp(pod: Pod, volume: Volume, context: PayloadContext): Promise<MountedVolume> {
    const { uid } = refOf(pod);
    if (volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined)
      return this.#claims.mount(pod, volume);
    if (volume.csi !== undefined)
      return { path: await this.csi.mountInline(pod, volume), readOnly: volume.csi.readOnly === true };
    if (volume.hostPath !== undefined)
      return { path: checkHostPath(volume.hostPath.path, volume.hostPath.type ?? ""), readOnly: false };
    if (volume.image !== undefined) return { path: "", readOnly: true, image: volume.image.reference ?? "" };
    if (volume.emptyDir !== undefined) {
      const path = this.#dir(uid, "empty-dir", volume.name);
      await makeEmptyDir(path, volume.emptyDir, { pod, ...this.#options });
      return { path, readOnly: false };
    }
    const kind = projectedKinds.find((name) => volume[name] !== undefined);
    if (kind === undefined) {
      const found = Object.keys(volume).find((key) => key !== "name") ?? "none";
      throw new VolumeError(`volumes of kind ${found} are not supported by this kubelet`);
    }
    const path = this.#dir(uid, kind.toLowerCase(), volume.name);
    writeAtomically(path, await volumePayload(volume, context), pod.spec.securityContext?.fsGroup);
    return { path, readOnly: true };
  }

  #dir(uid: string, kind: string, name: string): string {
    return join(podDirOf(this.#options.rootDir, uid), "volumes", `kubernetes.io~${kind}`, name);
  }

  /** Takes all volumes of a pod away; what lies elsewhere (claims, hostPath) stays. Idempotent. Rejects while something cannot be let go of. */
  async unmount(uid: string): Promise<void> {
    const { rootDir } = this.#options;
    await unmountIn(subPathsDirOf(rootDir, uid));
    await this.#claims.unmount(uid);
    const volumes = join(podDirOf(rootDir, uid), "volumes");
    await unmountIn(join(volumes, "kubernetes.io~empty-dir"));
    removeTree(volumes);
    removeTree(subPathsDirOf(rootDir, uid));
  }
}
