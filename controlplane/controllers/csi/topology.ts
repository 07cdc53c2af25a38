import { csi } from "../../../proto/mod.ts";
import type { CSINode, Node, NodeSelector, StorageClass } from "../../api/mod.ts";

type Segments = Readonly<Record<string, string>>;
/** As the message has it, with plain lists. */
export interface Requirement {
  readonly requisite: readonly csi.Topology[];
  readonly preferred: readonly csi.Topology[];
}

function segmentsOf(driver: string, node: Node, csiNode: CSINode | undefined): Segments | undefined {
  const keys = csiNode?.spec.drivers.find(({ name }) => name === driver)?.topologyKeys ?? [];
  if (keys.length === 0) return undefined;
  const pairs = keys.map((key) => [key, node.metadata.labels?.[key]] as const);
  if (pairs.some(([, value]) => value === undefined)) return undefined; // it has just registered
  return Object.fromEntries(pairs) as Segments;
}

function allowedBy(allowed: StorageClass["allowedTopologies"], segments: Segments): boolean {
  if (allowed === undefined || allowed.length === 0) return true;
  return allowed.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => values.includes(segments[key] ?? "")),
  );
}

/**
 * Where a volume must be within reach: the segment of the chosen node, or any that has a node with the driver. The chosen one comes
 * first, the others are alternatives. Undefined: the driver has not said anything about nodes.
 */
export function requirementFor(
  driver: string,
  selectedNode: string | undefined,
  nodes: readonly Node[],
  csiNodeOf: (name: string) => CSINode | undefined,
  allowed: StorageClass["allowedTopologies"],
): Requirement | undefined {
  const found = new Map<string, Segments>();
  let first: Segments | undefined;
  for (const node of nodes) {
    const name = node.metadata.name ?? "";
    const segments = segmentsOf(driver, node, csiNodeOf(name));
    if (segments === undefined || !allowedBy(allowed, segments)) continue;
    const key = JSON.stringify(Object.entries(segments).sort());
    const same = found.get(key) ?? segments;
    found.set(key, same);
    if (name === selectedNode) first = same;
  }
  if (selectedNode !== undefined && first === undefined) return undefined;
  const ordered = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, segments]) => segments);
  if (ordered.length === 0) return undefined;
  const preferred = first === undefined ? ordered : [first, ...ordered.filter((it) => it !== first)];
  const message = (segments: Segments) => ({ segments: csi.toEntries(segments) });
  return { requisite: ordered.map(message), preferred: preferred.map(message) };
}

/** The nodes from which a volume can be reached; undefined: from all. */
export function affinityOf(topologies: readonly csi.Topology[]): NodeSelector | undefined {
  const nodeSelectorTerms = topologies.map(({ segments }) => ({
    matchExpressions: segments.map(({ key, value }) => ({ key, operator: "In" as const, values: [value] })),
  }));
  return nodeSelectorTerms.length === 0 ? undefined : { nodeSelectorTerms };
}
