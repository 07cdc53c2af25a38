import type { Pod } from "../../controlplane/api/mod.ts";

/** All that policies ask of a pod: the rest of it need not be kept on every node. */
export function reduced({ apiVersion, kind, metadata, spec, status }: Pod): Pod {
  const { name, namespace, uid, resourceVersion, labels } = metadata;
  const ports = (containers: Pod["spec"]["containers"] = []) =>
    containers.map(({ name, ports, restartPolicy }) => ({ name, ports, restartPolicy }));
  const { nodeName, hostNetwork, containers, initContainers } = spec;
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, uid, resourceVersion, labels },
    spec: { nodeName, hostNetwork, containers: ports(containers), initContainers: ports(initContainers) },
    status: { podIP: status?.podIP, phase: status?.phase },
  } as Pod;
}

/** Whether anything changed that a policy asks for; both reduced. */
export function differs(a: Pod, b: Pod): boolean {
  const says = ({ metadata, spec, status }: Pod) => JSON.stringify([metadata.labels, spec, status]);
  return says(a) !== says(b);
}

/**
 * Pods of this node whose address the API server need not know yet. By uid; an address belongs to the pod that got it last, so there are
 * never more of them than addresses.
 */
export class EarlyPods {
  readonly #pods = new Map<string, Pod>();

  add(pod: Pod, address: string): void {
    for (const [uid, other] of this.#pods) if (other.status?.podIP === address) this.#pods.delete(uid);
    const { status, ...rest } = reduced(pod);
    this.#pods.set(uidOf(pod), { ...rest, status: { phase: status?.phase, podIP: address } } as Pod);
  }

  /** The API server knows the pod like this; once it knows the address, it knows all. */
  listed(pod: Pod): void {
    if (this.#pods.get(uidOf(pod))?.status?.podIP === pod.status?.podIP) this.#pods.delete(uidOf(pod));
  }

  gone(pod: Pod): void {
    this.#pods.delete(uidOf(pod));
  }

  /** The list as it will be: with addresses that it lacks, and each of them with one pod. Labels are always the list's. */
  amend(list: readonly Pod[]): Pod[] {
    if (this.#pods.size === 0) return [...list];
    const missing = new Map(this.#pods);
    const given = new Set([...this.#pods.values()].map((pod) => pod.status?.podIP));
    const amended = list.flatMap((pod) => {
      const early = missing.get(uidOf(pod));
      missing.delete(uidOf(pod));
      if (early !== undefined) return [{ ...pod, status: early.status } as Pod];
      return given.has(pod.status?.podIP) ? [] : [pod];
    });
    return [...amended, ...missing.values()];
  }
}

function uidOf({ metadata }: Pod): string {
  return metadata.uid ?? "";
}
