import { type Container, type EphemeralContainer, type Pod, qosClassOf } from "../../../controlplane/api/mod.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

export function qosClass(pod: Pod): QosClass {
  return qosClassOf(pod.spec);
}

/** Those of every kind, in the order in which they may start. */
export function allContainers(pod: Pod): Container[] {
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers, ...ephemeralContainers(pod)];
}

export type ContainerKind = "init" | "regular" | "ephemeral";

/** Undefined: the pod has no container of that name. */
export function containerKind(pod: Pod, name: string): ContainerKind | undefined {
  const has = (list: readonly { readonly name?: string }[] = []) => list.some((one) => one.name === name);
  if (has(pod.spec.containers)) return "regular";
  if (has(pod.spec.initContainers)) return "init";
  return has(pod.spec.ephemeralContainers) ? "ephemeral" : undefined;
}

/** Containers added to a pod that runs, to look around in it: they start once and have no part in what becomes of the pod. */
export function ephemeralContainers(pod: Pod): (Container & Pick<EphemeralContainer, "targetContainerName">)[] {
  return (pod.spec.ephemeralContainers ?? []).map((container) => ({ ...container, name: container.name ?? "" }));
}
