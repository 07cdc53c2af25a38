import type { Node, PersistentVolume, StorageClass } from "../../api/mod.ts";
import { findCondition } from "../common/conditions.ts";
import { localProvisioner, provisionedBy } from "./annotations.ts";

const hostnameLabel = "kubernetes.io/hostname";

/** A ready node that the class allows, with the fewest volumes made on it; undefined when there is none. */
export function nodeFor(
  nodes: readonly Node[],
  volumes: readonly PersistentVolume[],
  allowedTopologies: StorageClass["allowedTopologies"] = [],
): string | undefined {
  const allowed = ({ metadata }: Node) =>
    allowedTopologies.length === 0 ||
    allowedTopologies.some(({ matchLabelExpressions = [] }) =>
      matchLabelExpressions.every(({ key, values }) => values.includes(metadata.labels?.[key] ?? "")),
    );
  const count = new Map<string, number>();
  for (const volume of volumes) {
    if (volume.metadata.annotations?.[provisionedBy] !== localProvisioner) continue;
    const name = nodeOf(volume);
    if (name !== undefined) count.set(name, (count.get(name) ?? 0) + 1);
  }
  const usable = nodes
    .filter((node) => allowed(node) && !node.spec?.unschedulable)
    .filter(({ status }) => findCondition(status?.conditions, "Ready")?.status === "True")
    .map(({ metadata }) => metadata.name ?? "");
  const load = (name: string) => count.get(name) ?? 0;
  return usable.sort((a, b) => load(a) - load(b) || (a < b ? -1 : 1))[0];
}

/** The one node a local volume can be reached from. */
function nodeOf({ spec }: PersistentVolume): string | undefined {
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  const named = terms[0]?.matchExpressions?.find(({ key }) => key === hostnameLabel);
  return named?.values?.[0];
}
