import type { Container, Pod } from "../../../controlplane/api/mod.ts";

/** The three names of a pod that never change. */
export interface PodRef {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export function refOf(pod: Pod): PodRef {
  const { namespace = "default", name, uid = "" } = pod.metadata;
  return { namespace, name, uid };
}

/** `name_namespace(uid)`, as the original writes a pod into messages. */
export function formatPod(ref: PodRef): string {
  return `${ref.name}_${ref.namespace}(${ref.uid})`;
}

/** An init container that keeps running beside the others. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === "Always";
}

export function isHostNetwork(pod: Pod): boolean {
  return pod.spec.hostNetwork === true;
}

/** Names of the node labels and annotations that tie runtime objects to pods (pkg/kubelet/types/labels.go). */
export const labels = {
  podName: "io.kubernetes.pod.name",
  podNamespace: "io.kubernetes.pod.namespace",
  podUid: "io.kubernetes.pod.uid",
  containerName: "io.kubernetes.container.name",
} as const;

export const annotations = {
  hash: "io.kubernetes.container.hash",
  restartCount: "io.kubernetes.container.restartCount",
  terminationMessageFile: "io.flotilla.container.terminationMessageFile",
  terminationMessagePolicy: "io.kubernetes.container.terminationMessagePolicy",
  terminationGracePeriod: "io.kubernetes.pod.terminationGracePeriod",
} as const;
