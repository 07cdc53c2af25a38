import { chmodSync, chownSync, mkdirSync, readdirSync, realpathSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Container, type Pod, Quantity, type Volume } from "../../../controlplane/api/mod.ts";
import { refOf } from "../pod/pod-ref.ts";
import { allContainers } from "../pod/qos.ts";
import { podDirOf } from "../root-dir.ts";
import type { Mount } from "../runtime/cri.ts";
import { run } from "../runtime/embedded/spawn.ts";
import { writeAtomically } from "./atomic-writer.ts";
import { checkHostPath } from "./host-path.ts";
import { type PayloadContext, VolumeError, volumePayload } from "./payload.ts";

export interface VolumeManagerOptions {
  readonly rootDir: string;
  /** Whether this process may mount: without, memory volumes are directories. */
  readonly canMount: boolean;
}

/** Where a pod's volumes lie on the node, by volume name. */
export type MountedVolumes = ReadonlyMap<string, string>;

/** Kinds whose files the kubelet writes: containers must not change them. */
const projectedKinds = ["configMap", "secret", "downwardAPI", "projected"] as const;

export class VolumeManager {
  readonly #options: VolumeManagerOptions;

  constructor(options: VolumeManagerOptions) {
    this.#options = options;
  }

  /**
   * Makes or refreshes every volume that a container of the pod mounts. Rejects with VolumeError, after telling of each volume that cannot be
   * set up; the others are there nevertheless. Idempotent.
   */
  async mount(pod: Pod, context: PayloadContext, onFailure: (message: string) => void): Promise<MountedVolumes> {
    const used = new Set(allContainers(pod).flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name)));
    const mounted = new Map<string, string>();
    const failed: string[] = [];
    for (const volume of pod.spec.volumes ?? []) {
      if (!used.has(volume.name)) continue;
      try {
        mounted.set(volume.name, await this.#setUp(pod, volume, context));
      } catch (error) {
        failed.push(volume.name);
        onFailure(`MountVolume.SetUp failed for volume "${volume.name}" : ${(error as Error).message}`);
      }
    }
    if (failed.length === 0) return mounted;
    throw new VolumeError(
      `unmounted volumes=[${failed.join(" ")}], unattached volumes=[], failed to process volumes=[]: timed out waiting for the condition`,
    );
  }

  async #setUp(pod: Pod, volume: Volume, context: PayloadContext): Promise<string> {
    const { uid } = refOf(pod);
    const group = pod.spec.securityContext?.fsGroup;
    if (volume.hostPath !== undefined) return checkHostPath(volume.hostPath.path, volume.hostPath.type ?? "");
    if (volume.emptyDir !== undefined) {
      const dir = this.#dir(uid, "empty-dir", volume.name);
      if (statSync(dir, { throwIfNoEntry: false }) === undefined) await this.#makeEmptyDir(dir, volume.emptyDir, group);
      return dir;
    }
    const kind = projectedKinds.find((name) => volume[name] !== undefined);
    if (kind === undefined) {
      const found = Object.keys(volume).find((key) => key !== "name") ?? "none";
      throw new VolumeError(`volumes of kind ${found} are not supported by this kubelet`);
    }
    const dir = this.#dir(uid, kind.toLowerCase(), volume.name);
    writeAtomically(dir, await volumePayload(volume, context), group);
    return dir;
  }

  async #makeEmptyDir(
    dir: string,
    emptyDir: NonNullable<Volume["emptyDir"]>,
    group: number | undefined,
  ): Promise<void> {
    mkdirSync(dir, { recursive: true });
    if (emptyDir.medium === "Memory" && this.#options.canMount) {
      const size = Quantity.of(emptyDir.sizeLimit).value();
      await run(["mount", "-t", "tmpfs", "-o", `nosuid,nodev${size > 0 ? `,size=${size}` : ""}`, "tmpfs", dir]);
    }
    if (group !== undefined) chownSync(dir, -1, group);
    chmodSync(dir, group === undefined ? 0o777 : 0o2777);
  }

  #dir(uid: string, kind: string, name: string): string {
    return join(podDirOf(this.#options.rootDir, uid), "volumes", `kubernetes.io~${kind}`, name);
  }

  /** Takes all volumes of a pod away, with what is in them; what a hostPath leads to stays. Idempotent. */
  async unmount(uid: string): Promise<void> {
    const volumes = join(podDirOf(this.#options.rootDir, uid), "volumes");
    const emptyDirs = join(volumes, "kubernetes.io~empty-dir");
    if (statSync(emptyDirs, { throwIfNoEntry: false }) !== undefined) {
      const mounts = readdirSync(emptyDirs)
        .map((name) => join(emptyDirs, name))
        .filter((dir) => statSync(dir).dev !== statSync(dirname(dir)).dev);
      if (mounts.length > 0) await run(["umount", "-l", ...mounts]);
    }
    rmSync(volumes, { recursive: true, force: true });
  }
}

/** A container's mounts. Rejects with VolumeError when a subPath leaves its volume. `expandPath` resolves $(VAR) in subPathExpr. */
export function containerMounts(
  pod: Pod,
  container: Container,
  volumes: MountedVolumes,
  expandPath: (text: string) => string,
): Mount[] {
  return (container.volumeMounts ?? []).map((mount) => {
    const source = volumes.get(mount.name);
    if (source === undefined)
      throw new VolumeError(`cannot find volume "${mount.name}" to mount into container "${container.name}"`);
    const volume = pod.spec.volumes?.find(({ name }) => name === mount.name);
    const projected = projectedKinds.some((kind) => volume?.[kind] !== undefined);
    const subPath =
      mount.subPathExpr === undefined || mount.subPathExpr === ""
        ? (mount.subPath ?? "")
        : expandPath(mount.subPathExpr);
    return {
      containerPath: join("/", mount.mountPath),
      hostPath: subPath === "" ? source : subPathOf(source, subPath),
      readonly: mount.readOnly === true || projected,
    };
  });
}

/** A path inside a volume, made as a directory when missing. Links may not lead out: what they point to is the node's. */
function subPathOf(volume: string, subPath: string): string {
  const root = realpathSync(volume);
  const inside = (path: string) => path === root || path.startsWith(`${root}/`);
  const path = join(root, subPath);
  if (!inside(path)) throw new VolumeError(`subPath "${subPath}" is outside its volume`);
  let existing = path;
  while (statSync(existing, { throwIfNoEntry: false }) === undefined) existing = dirname(existing);
  if (!inside(realpathSync(existing))) throw new VolumeError(`subPath "${subPath}" leads out of its volume`);
  if (existing !== path) mkdirSync(path, { recursive: true, mode: 0o750 });
  return realpathSync(path);
}
