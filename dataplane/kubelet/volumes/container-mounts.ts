import { join } from "node:path";
import type { Container, Pod, VolumeMount } from "../../../controlplane/api/mod.ts";
import { refOf } from "../pod/pod-ref.ts";
import { podDirOf } from "../root-dir.ts";
import type { Mount, MountPropagation } from "../runtime/cri.ts";
import type { MountedVolumes } from "./mounted-volume.ts";
import { bindSubPath, resolveSubPath } from "./sub-path.ts";
import { VolumeError } from "./volume-error.ts";

export interface ContainerMountsInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly volumes: MountedVolumes;
  readonly rootDir: string;
  readonly canMount: boolean;
  /** Resolves $(VAR) in subPathExpr. */
  readonly expandPath: (text: string) => string;
}

const propagations = {
  None: "PROPAGATION_PRIVATE",
  HostToContainer: "PROPAGATION_HOST_TO_CONTAINER",
  Bidirectional: "PROPAGATION_BIDIRECTIONAL",
} as const satisfies Record<string, MountPropagation>;

/** What a container is to see of its pod's volumes. Rejects with VolumeError when a part of a volume leads out of it. */
export async function containerMounts(input: ContainerMountsInput): Promise<Mount[]> {
  const mounts: Mount[] = [];
  for (const [index, mount] of (input.container.volumeMounts ?? []).entries())
    mounts.push(await containerMount(input, mount, index));
  return mounts;
}

async function containerMount(input: ContainerMountsInput, mount: VolumeMount, index: number): Promise<Mount> {
  const { container, volumes } = input;
  const volume = volumes.get(mount.name);
  if (volume === undefined)
    throw new VolumeError(`cannot find volume "${mount.name}" to mount into container "${container.name}"`);
  if (volume.image !== undefined) {
    if (mount.subPath || mount.subPathExpr)
      throw new VolumeError(`subPath of the image volume "${mount.name}" is not supported`);
    return { containerPath: join("/", mount.mountPath), hostPath: "", readonly: true, image: volume.image };
  }
  const expr = mount.subPathExpr ?? "";
  const subPath = expr === "" ? (mount.subPath ?? "") : expandedPath(expr, input.expandPath);
  const { mountPropagation, recursiveReadOnly } = mount;
  return {
    containerPath: join("/", mount.mountPath),
    hostPath: subPath === "" ? volume.path : await partOf(input, volume.path, subPath, mount, index),
    readonly: mount.readOnly === true || volume.readOnly,
    ...(mountPropagation === undefined ? {} : { propagation: propagations[mountPropagation] }),
    ...(recursiveReadOnly === "Enabled" ? { recursiveReadOnly: true } : {}),
  };
}

/** A variable that is not set would silently make another path of it. */
function expandedPath(expr: string, expand: (text: string) => string): string {
  const expanded = expand(expr);
  const left = /(?<!\$)\$\(([^)]*)\)/.exec(expanded);
  if (left !== null) throw new VolumeError(`missing value for "${left[1]}"`);
  return expanded;
}

async function partOf(
  { pod, container, rootDir, canMount }: ContainerMountsInput,
  volume: string,
  subPath: string,
  { name }: VolumeMount,
  index: number,
): Promise<string> {
  try {
    if (!canMount) return resolveSubPath(volume, subPath);
    const target = join(subPathsDirOf(rootDir, refOf(pod).uid), name, container.name, `${index}`);
    return await bindSubPath(volume, subPath, target);
  } catch (error) {
    throw new VolumeError(
      `failed to prepare subPath for volumeMount "${name}" of container "${container.name}": ${(error as Error).message}`,
      undefined,
      { cause: error },
    );
  }
}

/** Where parts of volumes are mounted for containers. */
export function subPathsDirOf(rootDir: string, uid: string): string {
  return join(podDirOf(rootDir, uid), "volume-subpaths");
}
