import type { DaemonSet, Node, Pod } from "../../api/mod.ts";
import { isTerminal } from "../common/pods.ts";
import { eligibility, hashLabel, nodeOf } from "./daemon-pod.ts";

export interface Observed {
  readonly set: DaemonSet;
  readonly nodes: readonly Node[];
  /** Its own. */
  readonly pods: readonly Pod[];
  /** Of the revision that the set's template is. */
  readonly hash: string;
  /** Whether a failed pod has to wait before its node gets another one. */
  readonly backsOff: (pod: Pod) => boolean;
  readonly nowMs: number;
}

/** What one node has and should have. */
export interface Place {
  readonly node: Node;
  readonly shouldRun: boolean;
  readonly mayStay: boolean;
  /** Oldest first; those on their way out included. */
  readonly pods: readonly Pod[];
}

export function placesOf({ set, nodes, pods }: Pick<Observed, "set" | "nodes" | "pods">): Place[] {
  const onNode = new Map<string, Pod[]>();
  for (const pod of [...pods].sort(byAge)) {
    // It has ended and only waits to be forgotten: its place is free.
    if (isTerminal(pod) && !isStaying(pod)) continue;
    const name = nodeOf(pod) ?? "";
    const there = onNode.get(name);
    if (there === undefined) onNode.set(name, [pod]);
    else there.push(pod);
  }
  return nodes.map((node) => ({ node, ...eligibility(set, node), pods: onNode.get(node.metadata.name ?? "") ?? [] }));
}

export function surges(set: DaemonSet): boolean {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  return type !== "OnDelete" && Number.parseInt(String(rollingUpdate?.maxSurge ?? 0), 10) > 0;
}

export function isCurrent(pod: Pod, hash: string): boolean {
  return pod.metadata.labels?.[hashLabel] === hash;
}

export function isStaying(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined;
}

function byAge(a: Pod, b: Pod): number {
  const [x = "", y = ""] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (x !== y) return x < y ? -1 : 1;
  return (a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1;
}
