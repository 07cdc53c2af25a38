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

/** Pods of this node that have an address which the API server does not know of yet. By uid. */
export class EarlyPods {
  readonly #pods = new Map<string, Pod>();

  add(pod: Pod, address: string): void {
    const { status, ...rest } = reduced(pod);
    // An address belongs to the pod that got it last.
    for (const [uid, other] of this.#pods) if (other.status?.podIP === address) this.#pods.delete(uid);
    this.#pods.set(pod.metadata.uid ?? "", { ...rest, status: { phase: status?.phase, podIP: address } } as Pod);
  }

  /** The API server knows the pod by now as it is, or knows that it is gone. */
  settle(uid: string | undefined): void {
    this.#pods.delete(uid ?? "");
  }

  /** The list, with addresses where it had none; labels are always the list's. */
  amend(listed: readonly Pod[]): Pod[] {
    const missing = new Map(this.#pods);
    const amended = listed.map((pod) => {
      const early = missing.get(pod.metadata.uid ?? "");
      missing.delete(pod.metadata.uid ?? "");
      return early === undefined || pod.status?.podIP ? pod : ({ ...pod, status: early.status } as Pod);
    });
    const taken = new Set(listed.map((pod) => pod.status?.podIP));
    return [...amended, ...[...missing.values()].filter((pod) => !taken.has(pod.status?.podIP))];
  }
}
