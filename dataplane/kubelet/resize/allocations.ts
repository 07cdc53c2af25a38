import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Container, Pod, ResourceRequirements } from "../../../controlplane/api/mod.ts";
import { refOf } from "../pod/pod-ref.ts";
import { podDirOf } from "../root-dir.ts";

type ByContainer = Readonly<Record<string, ResourceRequirements>>;

const fileName = "allocated-resources.json";

/**
 * What the node has granted to the containers of its pods. A pod's spec says what it wishes for; what it got stands here, and on disk, so that a
 * kubelet that restarts does not take a wish for a grant (pkg/kubelet/allocation).
 */
export class Allocations {
  readonly #rootDir: string;
  readonly #known = new Map<string, ByContainer>();

  constructor(rootDir: string) {
    this.#rootDir = rootDir;
  }

  /** The pod as it was granted. Of a pod that is seen for the first time, what it asks for is what it got. */
  granted(pod: Pod): Pod {
    const { uid } = refOf(pod);
    const known = this.#known.get(uid) ?? this.#read(uid);
    if (known === undefined) return pod;
    this.#known.set(uid, known);
    return withResources(pod, known);
  }

  grant(pod: Pod): void {
    const { uid } = refOf(pod);
    const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
    const granted = Object.fromEntries(all.map(({ name, resources = {} }) => [name, resources]));
    const file = join(podDirOf(this.#rootDir, uid), fileName);
    mkdirSync(podDirOf(this.#rootDir, uid), { recursive: true, mode: 0o750 });
    writeFileSync(`${file}.new`, JSON.stringify(granted));
    renameSync(`${file}.new`, file);
    this.#known.set(uid, granted);
  }

  /** Whether anything has been granted to the pod. */
  has(pod: Pod): boolean {
    return (this.#known.get(refOf(pod).uid) ?? this.#read(refOf(pod).uid)) !== undefined;
  }

  /** The pod is gone, and with its directory what was on disk. */
  forget(uid: string): void {
    this.#known.delete(uid);
  }

  #read(uid: string): ByContainer | undefined {
    try {
      return JSON.parse(readFileSync(join(podDirOf(this.#rootDir, uid), fileName), "utf8")) as ByContainer;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }
}

function withResources(pod: Pod, granted: ByContainer): Pod {
  const change = (container: Container): Container => {
    const resources = granted[container.name];
    return resources === undefined ? container : { ...container, resources };
  };
  const { containers, initContainers } = pod.spec;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: containers.map(change),
      ...(initContainers === undefined ? {} : { initContainers: initContainers.map(change) }),
    },
  };
}
