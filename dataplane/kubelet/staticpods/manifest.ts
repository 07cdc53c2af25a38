import { createHash } from "node:crypto";
import { applyDefaults, decode, findResource, type KubeObject, type Pod } from "../../../controlplane/api/mod.ts";

/** Annotations that tell static pods and their mirrors from others (pkg/kubelet/types/pod_update.go). */
export const staticAnnotations = {
  source: "kubernetes.io/config.source",
  hash: "kubernetes.io/config.hash",
  seen: "kubernetes.io/config.seen",
  /** Only on mirrors: the hash of the static pod. */
  mirror: "kubernetes.io/config.mirror",
} as const;

/** A pod that comes from a file of this node. */
export function isStatic(pod: Pod): boolean {
  return pod.metadata.annotations?.[staticAnnotations.source] === "file";
}

/** The API's picture of a static pod: nothing runs for its sake. */
export function isMirror(pod: Pod): boolean {
  return pod.metadata.annotations?.[staticAnnotations.mirror] !== undefined;
}

/**
 * The pod of a manifest, JSON or YAML, as this node runs it: named after the node and known by a uid that is the same as long as the file is. Throws
 * with a sentence when the file holds no pod.
 */
export async function parseManifest(text: string, file: string, nodeName: string, seenAt: string): Promise<Pod> {
  const { parse } = await import("yaml");
  const resource = findResource("", "v1", "pods");
  const value: unknown = parse(text);
  if (resource === undefined || typeof value !== "object" || value === null) throw new Error("it holds no object");
  const { kind, apiVersion } = value as { kind?: unknown; apiVersion?: unknown };
  if (kind !== "Pod" || apiVersion !== "v1") throw new Error(`it holds no v1 Pod but ${apiVersion} ${kind}`);
  const decoded = decode(resource.schema, value);
  if (!decoded.ok) throw new Error(decoded.message);
  const pod = decoded.object as unknown as Pod;
  if (!pod.metadata.name) throw new Error("its pod has no name");
  if ((pod.spec.containers ?? []).length === 0) throw new Error("its pod has no containers");
  applyDefaults(resource, pod as unknown as KubeObject);
  const uid = createHash("md5")
    .update(JSON.stringify([nodeName, file, value]))
    .digest("hex");
  const tolerations = [...(pod.spec.tolerations ?? []), { operator: "Exists" as const, effect: "NoExecute" as const }];
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      name: `${pod.metadata.name}-${nodeName.toLowerCase()}`,
      namespace: pod.metadata.namespace || "default",
      uid,
      creationTimestamp: undefined,
      annotations: {
        ...pod.metadata.annotations,
        [staticAnnotations.hash]: uid,
        [staticAnnotations.seen]: seenAt,
        [staticAnnotations.source]: "file",
      },
    },
    // Nobody schedules it, and no taint of this node is about it.
    spec: { ...pod.spec, nodeName, tolerations },
    status: { phase: "Pending" },
  };
}
