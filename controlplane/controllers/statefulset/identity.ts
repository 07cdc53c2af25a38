import type { Pod, PodTemplateSpec, StatefulSet } from "../../api/mod.ts";
import { sameJson } from "../common/equality.ts";
import { controllerReference } from "../common/owners.ts";

export const revisionLabel = "controller-revision-hash";
const podNameLabel = "statefulset.kubernetes.io/pod-name";
const podIndexLabel = "apps.kubernetes.io/pod-index";

/** The number at the end of a pod's name; undefined when the pod is not named after the set. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const { name = "" } = pod.metadata;
  const cut = name.lastIndexOf("-");
  const digits = name.slice(cut + 1);
  return name.slice(0, cut) === set.metadata.name && /^\d+$/.test(digits) ? Number(digits) : undefined;
}

export function startOrdinal(set: StatefulSet): number {
  return set.spec.ordinals?.start ?? 0;
}

export function revisionOf(pod: Pod): string {
  return pod.metadata.labels?.[revisionLabel] ?? "";
}

export function claimName(template: string, set: StatefulSet, ordinal: number): string {
  return `${template}-${set.metadata.name}-${ordinal}`;
}

/** The pod of an ordinal: its name, host name and claims are the same whenever it is made. */
export function podFor(set: StatefulSet, template: PodTemplateSpec, revision: string, ordinal: number): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const { namespace, name } = set.metadata;
  const pod: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${name}-${ordinal}`,
      generateName: `${name}-`,
      namespace,
      labels: { ...labels, [revisionLabel]: revision },
      annotations,
      finalizers,
      ownerReferences: [controllerReference(set, "apps/v1", "StatefulSet")],
    },
    spec: {
      ...(template.spec ?? { containers: [] }),
      hostname: `${name}-${ordinal}`,
      ...(set.spec.serviceName ? { subdomain: set.spec.serviceName } : {}),
    },
  };
  return withIdentity(set, pod, ordinal);
}

/** The pod with the labels and volumes that its ordinal gives it; the same object when it has them already. */
export function withIdentity(set: StatefulSet, pod: Pod, ordinal: number): Pod {
  const labels = {
    ...pod.metadata.labels,
    [podNameLabel]: `${set.metadata.name}-${ordinal}`,
    [podIndexLabel]: String(ordinal),
  };
  const volumes = volumesOf(set, pod, ordinal);
  if (sameJson(labels, pod.metadata.labels) && sameJson(volumes, pod.spec.volumes ?? [])) return pod;
  return {
    ...pod,
    metadata: { ...pod.metadata, labels },
    spec: { ...pod.spec, ...(volumes.length === 0 ? {} : { volumes }) },
  };
}

/** Volumes of claim templates take the place of those of the same name. A pod that mounts all its claims keeps its volumes. */
function volumesOf(set: StatefulSet, pod: Pod, ordinal: number) {
  const claims = (set.spec.volumeClaimTemplates ?? []).map(({ metadata }) => ({
    name: metadata.name ?? "",
    persistentVolumeClaim: { claimName: claimName(metadata.name ?? "", set, ordinal) },
  }));
  const now = pod.spec.volumes ?? [];
  const mounted = claims.every(({ name, persistentVolumeClaim: { claimName } }) =>
    now.some((volume) => volume.name === name && volume.persistentVolumeClaim?.claimName === claimName),
  );
  if (mounted) return now;
  return [...claims, ...now.filter((volume) => !claims.some(({ name }) => name === volume.name))];
}
