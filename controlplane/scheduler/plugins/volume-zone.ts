import type { PersistentVolume } from "../../api/mod.ts";
import type { Cluster } from "../cluster.ts";
import { StateKey } from "../framework/cycle-state.ts";
import type { Plugin, Rejection } from "../framework/plugin.ts";
import type { PodInfo } from "../pod-info.ts";
import { concernsClaim, storageClassOf } from "../volumes/claims.ts";

const zone = "topology.kubernetes.io/zone";
const region = "topology.kubernetes.io/region";
/** Labels of volumes that bind them to a place, and the name of each on nodes of today. */
const topologyLabels: Readonly<Record<string, string>> = {
  "failure-domain.beta.kubernetes.io/zone": zone,
  "failure-domain.beta.kubernetes.io/region": region,
  [zone]: zone,
  [region]: region,
};

interface Place {
  readonly label: string;
  readonly values: ReadonlySet<string>;
}

const placesKey = new StateKey<readonly Place[]>("VolumeZone.places");

/** A label may name several zones: `a__b`. */
function placesOf(volume: PersistentVolume): Place[] {
  const labels = volume.metadata.labels ?? {};
  return Object.keys(topologyLabels).flatMap((label) => {
    const value = labels[label];
    return value === undefined ? [] : [{ label, values: new Set(value.split("__")) }];
  });
}

function never(reason: string): Rejection {
  return { reasons: [reason], unresolvable: true };
}

function placesFor(pod: PodInfo, { objects }: Cluster): Place[] | Rejection {
  const places: Place[] = [];
  for (const { persistentVolumeClaim } of pod.pod.spec?.volumes ?? []) {
    if (persistentVolumeClaim === undefined) continue;
    const name = persistentVolumeClaim.claimName;
    const claim = objects.claim(pod.namespace, name);
    if (claim === undefined) return never(`persistentvolumeclaim "${name}" not found`);
    const volumeName = claim.spec?.volumeName ?? "";
    if (volumeName !== "") {
      const volume = objects.volume(volumeName);
      if (volume === undefined) return never(`persistentvolume "${volumeName}" not found`);
      places.push(...placesOf(volume));
      continue;
    }
    const className = storageClassOf(claim);
    if (className === "") return never("PersistentVolumeClaim had no pv name and storageClass name");
    const storageClass = objects.storageClass(className);
    if (storageClass === undefined) return never(`storageclass.storage.k8s.io "${className}" not found`);
    if (storageClass.volumeBindingMode !== "WaitForFirstConsumer") return never("PersistentVolume had no name");
  }
  return places;
}

/** A volume with a zone or region label is only for nodes there; nodes without any such label take all (plugins/volumezone). */
export const volumeZone: Plugin = {
  name: "VolumeZone",
  preFilter(pod, cluster, state) {
    const places = placesFor(pod, cluster);
    if ("reasons" in places) return places;
    if (places.length === 0) return "skip";
    state.set(placesKey, places);
    return undefined;
  },
  filter(_pod, node, state) {
    if (!Object.keys(topologyLabels).some((label) => node.labels[label] !== undefined)) return undefined;
    for (const { label, values } of state.get(placesKey) ?? []) {
      const value = node.labels[label] ?? node.labels[topologyLabels[label] as string];
      if (value === undefined || !values.has(value)) return never("node(s) had no available volume zone");
    }
    return undefined;
  },
  events: new Set(["StorageClassChange", "NodeAdd", "NodeUpdate", "ClaimChange", "VolumeChange"]),
  mayHelp(event, pod) {
    switch (event.kind) {
      case "StorageClassChange":
        return event.old === undefined && event.storageClass.volumeBindingMode === "WaitForFirstConsumer";
      case "ClaimChange":
        return concernsClaim(pod, event.claim);
      case "NodeUpdate":
        return Object.keys(topologyLabels).some(
          (label) => event.old.metadata.labels?.[label] !== event.node.metadata.labels?.[label],
        );
      default:
        return event.kind === "NodeAdd" || event.kind === "VolumeChange";
    }
  },
};
