import { isIPv4 } from "node:net";
import type { NetworkPolicy, Pod } from "../../controlplane/api/mod.ts";
import { chooses } from "./chooses.ts";

export type Direction = "ingress" | "egress";

/** A pod with an address of its own: those that share their node's are traffic of that node. */
export interface Member {
  readonly pod: Pod;
  readonly address: string;
}

/** Addresses of pods that have ended may belong to others by now. */
export function membersOf(pods: readonly Pod[]): Member[] {
  return pods.flatMap((pod) => {
    const { podIP = "", phase } = pod.status ?? {};
    const isMember = isIPv4(podIP) && pod.spec.hostNetwork !== true && phase !== "Succeeded" && phase !== "Failed";
    return isMember ? [{ pod, address: podIP }] : [];
  });
}

export function policyId({ metadata }: NetworkPolicy): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Whether the policy says anything about a direction. What it does not say of its types, its rules tell. */
export function speaksOf({ spec }: NetworkPolicy, direction: Direction): boolean {
  const { policyTypes = [], egress = [] } = spec ?? {};
  if (policyTypes.length > 0) return policyTypes.includes(direction === "ingress" ? "Ingress" : "Egress");
  return direction === "ingress" || egress.length > 0;
}

/** The policies that isolate a pod in a direction, in the order of their names. */
export function policiesFor(pod: Pod, policies: readonly NetworkPolicy[], direction: Direction): NetworkPolicy[] {
  return policies
    .filter(
      (policy) =>
        policy.metadata.namespace === pod.metadata.namespace &&
        speaksOf(policy, direction) &&
        chooses(policy.spec?.podSelector, pod.metadata.labels),
    )
    .sort((a, b) => (policyId(a) < policyId(b) ? -1 : 1));
}

/** Numbers of a pod's ports of this name. */
export function portsNamed({ spec }: Pod, name: string, protocol: string): number[] {
  // Of the containers that begin a pod, those stay that are restarted always: sidecars.
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...spec.containers, ...sidecars]
    .flatMap(({ ports = [] }) => ports)
    .filter((port) => port.name === name && (port.protocol ?? "TCP") === protocol)
    .map(({ containerPort }) => containerPort);
}
