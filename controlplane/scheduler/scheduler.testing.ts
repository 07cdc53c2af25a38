import type { Node, Pod, PodSpec, Taint } from "../api/mod.ts";
import { listedObjects } from "./objects.ts";

export interface NodeTraits {
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: number;
  readonly labels?: Record<string, string>;
  readonly taints?: Taint[];
  readonly unschedulable?: boolean;
}

export function aNode(name: string, traits: NodeTraits = {}): Node {
  const { cpu = "4", memory = "8Gi", pods = 110, labels = {}, taints, unschedulable } = traits;
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels },
    spec: { taints, unschedulable },
    status: { allocatable: { cpu, memory, pods: String(pods) } },
  };
}

export function aPod(name: string, spec: Partial<PodSpec> = {}, requests?: Record<string, string>): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "default", name, uid: `uid-of-${name}` },
    spec: {
      containers: [{ name: "c", image: "host", resources: requests === undefined ? {} : { requests } }],
      ...spec,
    },
  };
}

/** The same pod, on a node. */
export function bound(pod: Pod, nodeName: string): Pod {
  return { ...pod, spec: { ...(pod.spec as PodSpec), nodeName } };
}

export function labelled(pod: Pod, labels: Record<string, string>, namespace = "default"): Pod {
  return { ...pod, metadata: { ...pod.metadata, labels, namespace } };
}

/** A cluster without anything but nodes and pods. */
export const noObjects = listedObjects({ nodes: [] });
