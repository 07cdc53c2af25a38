import type { Volume } from "../../api/mod.ts";
import type { Cluster } from "../cluster.ts";
import { StateKey } from "../framework/cycle-state.ts";
import type { Plugin } from "../framework/plugin.ts";
import type { PodInfo } from "../pod-info.ts";

interface Exclusive {
  readonly claims: ReadonlySet<string>;
  /** Pods in the cluster that use one of them. */
  users: number;
}

const exclusiveKey = new StateKey<Exclusive>("VolumeRestrictions.exclusive", (exclusive) => ({ ...exclusive }));

/** A claim that the pod names itself; those of ephemeral volumes are somebody else's to make. */
function missingClaim({ pod, namespace }: PodInfo, { objects }: Cluster): string | undefined {
  const named = (pod.spec?.volumes ?? []).map(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName);
  return named.find((name) => name !== undefined && objects.claim(namespace, name) === undefined);
}

/** Claims of the pod that only one pod at a time may use. */
function exclusiveClaims(pod: PodInfo, { objects }: Cluster): Set<string> {
  const isExclusive = (name: string) =>
    objects.claim(pod.namespace, name)?.spec?.accessModes?.includes("ReadWriteOncePod") === true;
  return new Set(pod.claims.filter(isExclusive));
}

function shared(pod: PodInfo, other: PodInfo, claims: ReadonlySet<string>): number {
  return pod.namespace === other.namespace ? other.claims.filter((name) => claims.has(name)).length : 0;
}

/** Disks of old in-tree kinds that cannot be mounted twice on one node, unless read-only in both pods. */
function conflict(a: Volume, b: Volume): boolean {
  if (a.gcePersistentDisk !== undefined && b.gcePersistentDisk !== undefined) {
    const [one, two] = [a.gcePersistentDisk, b.gcePersistentDisk];
    return one.pdName === two.pdName && !(one.readOnly === true && two.readOnly === true);
  }
  if (a.awsElasticBlockStore !== undefined && b.awsElasticBlockStore !== undefined) {
    return a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore.volumeID;
  }
  if (a.iscsi !== undefined && b.iscsi !== undefined) {
    return a.iscsi.iqn === b.iscsi.iqn && !(a.iscsi.readOnly === true && b.iscsi.readOnly === true);
  }
  if (a.rbd !== undefined && b.rbd !== undefined) {
    const [one, two] = [a.rbd, b.rbd];
    const sameImage = (one.pool ?? "rbd") === (two.pool ?? "rbd") && one.image === two.image;
    const sameCluster = (one.monitors ?? []).some((monitor) => two.monitors?.includes(monitor));
    return sameImage && sameCluster && !(one.readOnly === true && two.readOnly === true);
  }
  return false;
}

function mayConflict(volume: Volume): boolean {
  const { gcePersistentDisk, awsElasticBlockStore, iscsi, rbd } = volume;
  return [gcePersistentDisk, awsElasticBlockStore, iscsi, rbd].some((source) => source !== undefined);
}

/** A ReadWriteOncePod claim serves one pod in the whole cluster; a disk that knows one writer serves one pod on a node (plugins/volumerestrictions). */
export const volumeRestrictions: Plugin = {
  name: "VolumeRestrictions",
  preFilter(pod, cluster, state) {
    const missing = missingClaim(pod, cluster);
    if (missing !== undefined) {
      return { reasons: [`persistentvolumeclaim "${missing}" not found`], unresolvable: true };
    }
    const claims = exclusiveClaims(pod, cluster);
    if (claims.size === 0) return (pod.pod.spec?.volumes ?? []).some(mayConflict) ? undefined : "skip";
    let users = 0;
    for (const name of claims) users += cluster.claimUsers(`${pod.namespace}/${name}`);
    state.set(exclusiveKey, { claims, users });
    return undefined;
  },
  addPod(pod, added, _node, state) {
    const exclusive = state.get(exclusiveKey);
    if (exclusive !== undefined) exclusive.users += shared(pod, added, exclusive.claims);
  },
  removePod(pod, removed, _node, state) {
    const exclusive = state.get(exclusiveKey);
    if (exclusive !== undefined) exclusive.users -= shared(pod, removed, exclusive.claims);
  },
  filter(pod, node, state) {
    const disks = (pod.pod.spec?.volumes ?? []).filter(mayConflict);
    for (const other of disks.length === 0 ? [] : node.pods.values()) {
      if ((other.pod.spec?.volumes ?? []).some((used) => disks.some((disk) => conflict(disk, used)))) {
        return { reasons: ["node(s) had no available disk"], unresolvable: false };
      }
    }
    if ((state.get(exclusiveKey)?.users ?? 0) > 0) {
      const reason = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode";
      return { reasons: [reason], unresolvable: false };
    }
    return undefined;
  },
  events: new Set(["AssignedPodDelete", "ClaimChange", "NodeAdd"]),
  mayHelp(event, pod) {
    switch (event.kind) {
      case "AssignedPodDelete":
        return (
          (event.pod.spec?.volumes ?? []).some((volume) => mayConflict(volume)) ||
          (event.pod.metadata.namespace === pod.pod.metadata.namespace &&
            (event.pod.spec?.volumes ?? []).some(
              ({ persistentVolumeClaim }) =>
                persistentVolumeClaim !== undefined && pod.claims.includes(persistentVolumeClaim.claimName),
            ))
        );
      case "ClaimChange":
        return event.claim.metadata.namespace === pod.namespace && pod.claims.includes(event.claim.metadata.name ?? "");
      default:
        return event.kind === "NodeAdd";
    }
  },
};
