import type { Cluster } from "../cluster.ts";
import type { Plugin } from "../framework/plugin.ts";
import type { PodInfo } from "../pod-info.ts";
import { concernsClaim, storageClassOf } from "../volumes/claims.ts";

/** Volumes that the pod attaches, by unique name; the value is the CSI driver. A claim without a volume yet counts for its class's driver. */
function volumesOf(pod: PodInfo, { objects }: Cluster): Map<string, string> {
  const volumes = new Map<string, string>();
  for (const name of pod.claims) {
    const claim = objects.claim(pod.namespace, name);
    if (claim === undefined) continue;
    const volumeName = claim.spec?.volumeName ?? "";
    const csi = volumeName === "" ? undefined : objects.volume(volumeName)?.spec?.csi;
    if (csi !== undefined) volumes.set(`${csi.driver}/${csi.volumeHandle}`, csi.driver);
    if (csi !== undefined || (volumeName !== "" && objects.volume(volumeName) !== undefined)) continue;
    const driver = objects.storageClass(storageClassOf(claim))?.provisioner;
    if (driver !== undefined) volumes.set(`${driver}/${pod.namespace}/${name}`, driver);
  }
  return volumes;
}

/** A node can attach only so many volumes of a driver: CSINode's allocatable count (plugins/nodevolumelimits/csi.go). */
export const nodeVolumeLimits: Plugin = {
  name: "NodeVolumeLimits",
  preFilter: (pod) => (pod.claims.length === 0 ? "skip" : undefined),
  filter(pod, node, _state, cluster) {
    const drivers = cluster.objects.csiNode(node.name)?.spec.drivers ?? [];
    const limits = new Map<string, number>();
    for (const { name, allocatable } of drivers)
      if (allocatable?.count !== undefined) limits.set(name, allocatable.count);
    if (limits.size === 0) return undefined;
    const wanted = volumesOf(pod, cluster);
    const attached = new Map<string, string>();
    for (const other of node.pods.values()) {
      for (const [volume, driver] of volumesOf(other, cluster)) attached.set(volume, driver);
    }
    const counts = new Map<string, number>();
    for (const driver of attached.values()) counts.set(driver, (counts.get(driver) ?? 0) + 1);
    for (const [volume, driver] of wanted) {
      if (attached.has(volume)) continue;
      const count = (counts.get(driver) ?? 0) + 1;
      counts.set(driver, count);
      if (count > (limits.get(driver) ?? Number.POSITIVE_INFINITY)) {
        return { reasons: ["node(s) exceed max volume count"], unresolvable: false };
      }
    }
    return undefined;
  },
  events: new Set(["CSINodeChange", "AssignedPodDelete", "ClaimChange", "NodeAdd"]),
  mayHelp(event, pod) {
    switch (event.kind) {
      case "CSINodeChange": {
        const limit = (node: typeof event.old, name: string) =>
          node?.spec.drivers.find((driver) => driver.name === name)?.allocatable?.count ?? Number.POSITIVE_INFINITY;
        if (event.old === undefined) return true;
        return event.csiNode.spec.drivers.some(({ name }) => limit(event.csiNode, name) > limit(event.old, name));
      }
      case "AssignedPodDelete":
        return (event.pod.spec?.volumes ?? []).some(
          ({ persistentVolumeClaim, ephemeral }) => persistentVolumeClaim !== undefined || ephemeral !== undefined,
        );
      case "ClaimChange":
        return concernsClaim(pod, event.claim);
      default:
        return event.kind === "NodeAdd";
    }
  },
};
