import type { NodeInfo } from "./node-info.ts";

/** Region and zone, by today's labels or those of old. */
export function zoneOf({ labels }: NodeInfo): string {
  const region = labels["topology.kubernetes.io/region"] ?? labels["failure-domain.beta.kubernetes.io/region"] ?? "";
  const zone = labels["topology.kubernetes.io/zone"] ?? labels["failure-domain.beta.kubernetes.io/zone"] ?? "";
  return region === "" && zone === "" ? "" : `${region}:\x00:${zone}`;
}

/** One node of each zone in turn, so that any stretch of the list is spread over zones (internal/cache/node_tree.go). */
export function interleaved(nodes: Iterable<NodeInfo>): NodeInfo[] {
  const zones = new Map<string, NodeInfo[]>();
  for (const node of nodes) {
    const zone = zones.get(zoneOf(node));
    if (zone === undefined) zones.set(zoneOf(node), [node]);
    else zone.push(node);
  }
  const order: NodeInfo[] = [];
  const longest = Math.max(0, ...[...zones.values()].map((zone) => zone.length));
  for (let i = 0; i < longest; i++) {
    for (const zone of zones.values()) if (i < zone.length) order.push(zone[i] as NodeInfo);
  }
  return order;
}
