import {
  matchesNodeSelector,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  Quantity,
  type StorageClass,
  selects,
  type Volume,
} from "../../api/mod.ts";
import { labelsOf, nameOf, namespaceOf, podsOn, type Refusal, type World } from "./world.testing.ts";

const always = (reason: string): Refusal => ({ reasons: [reason], unresolvable: true });

function claimName(pod: Pod, volume: Volume): string | undefined {
  if (volume.persistentVolumeClaim !== undefined) return volume.persistentVolumeClaim.claimName;
  return volume.ephemeral === undefined ? undefined : `${nameOf(pod)}-${volume.name}`;
}

function claimNamed(pod: Pod, name: string, world: World): PersistentVolumeClaim | undefined {
  return (world.objects.persistentVolumeClaims ?? []).find(
    (claim) => nameOf(claim) === name && namespaceOf(claim) === namespaceOf(pod),
  );
}

function claimsOf(pod: Pod, world: World): PersistentVolumeClaim[] {
  return (pod.spec?.volumes ?? [])
    .map((volume) => claimName(pod, volume))
    .map((name) => (name === undefined ? undefined : claimNamed(pod, name, world)))
    .filter((claim) => claim !== undefined);
}

const volumeNamed = (name: string | undefined, world: World): PersistentVolume | undefined =>
  (world.objects.persistentVolumes ?? []).find((volume) => nameOf(volume) === name);

const classOf = (claim: PersistentVolumeClaim, world: World): StorageClass | undefined =>
  (world.objects.storageClasses ?? []).find((storageClass) => nameOf(storageClass) === claim.spec?.storageClassName);

/** The claim's volume is settled: by its name alone it may still be waiting for the binder. */
function isBound(claim: PersistentVolumeClaim): boolean {
  const annotations = claim.metadata.annotations ?? {};
  return (claim.spec?.volumeName ?? "") !== "" && annotations["pv.kubernetes.io/bind-completed"] !== undefined;
}

function waitsForConsumer(claim: PersistentVolumeClaim, world: World): boolean {
  const mode = classOf(claim, world)?.volumeBindingMode;
  return !isBound(claim) && mode === "WaitForFirstConsumer" && (claim.spec?.volumeName ?? "") === "";
}

/** Claims in a state in which no node will do, by the plugin that says so. */
export function claimsRefused(pod: Pod, world: World): readonly [string, Refusal] | undefined {
  const volumes = pod.spec?.volumes ?? [];
  for (const { persistentVolumeClaim } of volumes) {
    const name = persistentVolumeClaim?.claimName;
    if (name !== undefined && claimNamed(pod, name, world) === undefined) {
      return ["VolumeRestrictions", always(`persistentvolumeclaim "${name}" not found`)];
    }
  }
  for (const volume of volumes) {
    const name = claimName(pod, volume);
    if (name === undefined) continue;
    const claim = claimNamed(pod, name, world);
    const refusal = claim === undefined ? notMadeYet(name) : unusable(pod, volume, claim);
    if (refusal !== undefined) return ["VolumeBinding", always(refusal)];
  }
  const claims = claimsOf(pod, world);
  if (claims.some((claim) => !isBound(claim) && !waitsForConsumer(claim, world))) {
    return ["VolumeBinding", always("pod has unbound immediate PersistentVolumeClaims")];
  }
  for (const { persistentVolumeClaim } of volumes) {
    const claim = claimNamed(pod, persistentVolumeClaim?.claimName ?? "", world);
    const name = claim?.spec?.volumeName ?? "";
    if (name !== "" && volumeNamed(name, world) === undefined) {
      return ["VolumeZone", always(`persistentvolume "${name}" not found`)];
    }
  }
  return undefined;
}

const notMadeYet = (name: string) =>
  `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`;

function unusable(pod: Pod, volume: Volume, claim: PersistentVolumeClaim): string | undefined {
  const name = `persistentvolumeclaim "${nameOf(claim)}"`;
  if (claim.status?.phase === "Lost") {
    return `${name} bound to non-existent persistentvolume "${claim.spec?.volumeName ?? ""}"`;
  }
  if (claim.metadata.deletionTimestamp !== undefined) return `${name} is being deleted`;
  const owner = claim.metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (volume.ephemeral !== undefined && owner?.uid !== pod.metadata.uid) {
    const [claimKey, podKey] = [claim, pod].map((object) => `${namespaceOf(object)}/${nameOf(object)}`);
    return `PVC ${claimKey} was not created for pod ${podKey} (pod is not owner)`;
  }
  return undefined;
}

/** Disks that only one pod of a node may write. */
function clash(a: Volume, b: Volume): boolean {
  const bothRead = (one: { readOnly?: boolean }, other: { readOnly?: boolean }) =>
    one.readOnly === true && other.readOnly === true;
  if (a.gcePersistentDisk && b.gcePersistentDisk) {
    const [one, other] = [a.gcePersistentDisk, b.gcePersistentDisk];
    return one.pdName === other.pdName && !bothRead(one, other);
  }
  if (a.awsElasticBlockStore && b.awsElasticBlockStore) {
    return a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore.volumeID;
  }
  if (a.iscsi && b.iscsi) return a.iscsi.iqn === b.iscsi.iqn && !bothRead(a.iscsi, b.iscsi);
  if (a.rbd && b.rbd) {
    const [one, other] = [a.rbd, b.rbd];
    const shared = one.monitors.some((monitor) => other.monitors.includes(monitor));
    return shared && one.pool === other.pool && one.image === other.image && !bothRead(one, other);
  }
  return false;
}

/** A claim for a single pod that some pod, on whichever node, uses. */
function singlePodClaimTaken(pod: Pod, world: World): boolean {
  return (pod.spec?.volumes ?? []).some(({ persistentVolumeClaim }) => {
    const name = persistentVolumeClaim?.claimName;
    const claim = name === undefined ? undefined : claimNamed(pod, name, world);
    if (claim?.spec?.accessModes?.includes("ReadWriteOncePod") !== true) return false;
    return world.pods.some(
      (other) =>
        namespaceOf(other) === namespaceOf(pod) &&
        (other.spec?.volumes ?? []).some((volume) => volume.persistentVolumeClaim?.claimName === name),
    );
  });
}

export function restrictsVolumes(pod: Pod, node: Node, world: World): Refusal | undefined {
  for (const volume of pod.spec?.volumes ?? []) {
    const others = podsOn(world, node).flatMap((other) => other.spec?.volumes ?? []);
    if (others.some((other) => clash(volume, other))) {
      return { reasons: ["node(s) had no available disk"], unresolvable: false };
    }
  }
  if (!singlePodClaimTaken(pod, world)) return undefined;
  const reason = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode";
  return { reasons: [reason], unresolvable: false };
}

/** Who would attach the claim's volume, and by which handle; a claim without a volume counts for its class's provisioner. */
function attachment(claim: PersistentVolumeClaim, world: World): { driver: string; handle: string } | undefined {
  const volume = volumeNamed(claim.spec?.volumeName, world);
  if (volume !== undefined) {
    const csi = volume.spec?.csi;
    return csi && { driver: csi.driver, handle: csi.volumeHandle };
  }
  const provisioner = classOf(claim, world)?.provisioner;
  return provisioner === undefined
    ? undefined
    : { driver: provisioner, handle: `unbound:${namespaceOf(claim)}/${nameOf(claim)}` };
}

/** Volumes of each CSI driver, those of the pod included and each counted once, <= what the driver can attach to the node. */
export function limitsVolumes(pod: Pod, node: Node, world: World): Refusal | undefined {
  const csiNode = (world.objects.csiNodes ?? []).find((one) => nameOf(one) === nameOf(node));
  for (const { name: driver, allocatable } of csiNode?.spec.drivers ?? []) {
    const limit = allocatable?.count;
    if (limit === undefined) continue;
    const handles = (one: Pod) =>
      claimsOf(one, world)
        .map((claim) => attachment(claim, world))
        .filter((found) => found?.driver === driver)
        .map((found) => found?.handle);
    const before = new Set(podsOn(world, node).flatMap(handles));
    const added = new Set(handles(pod).filter((handle) => !before.has(handle)));
    if (added.size > 0 && before.size + added.size > limit) {
      return { reasons: ["node(s) exceed max volume count"], unresolvable: false };
    }
  }
  return undefined;
}

function isReachable(volume: PersistentVolume, node: Node): boolean {
  const required = volume.spec?.nodeAffinity?.required;
  return required === undefined || matchesNodeSelector(required, node);
}

const sizeOf = (list: Readonly<Record<string, string>> | undefined): Quantity => Quantity.of(list?.storage);

/** Bound volumes must be reachable from the node; for the others there must be a volume, or a way to make one there. */
export function bindsVolumes(pod: Pod, node: Node, world: World): Refusal | undefined {
  const claims = claimsOf(pod, world);
  const reasons: string[] = [];
  const volumes = claims.filter(isBound).map((claim) => volumeNamed(claim.spec?.volumeName, world));
  if (volumes.some((volume) => volume !== undefined && !isReachable(volume, node))) {
    reasons.push("node(s) had volume node affinity conflict");
  }
  reasons.push(
    ...unboundReasons(
      claims.filter((claim) => waitsForConsumer(claim, world)),
      node,
      world,
    ),
  );
  if (volumes.includes(undefined)) {
    reasons.push("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)");
  }
  return reasons.length === 0 ? undefined : { reasons, unresolvable: true };
}

function unboundReasons(claims: readonly PersistentVolumeClaim[], node: Node, world: World): string[] {
  const noVolume = ["node(s) didn't find available persistent volumes to bind"];
  const selected = (claim: PersistentVolumeClaim) => claim.metadata.annotations?.["volume.kubernetes.io/selected-node"];
  if (claims.some((claim) => selected(claim) !== undefined && selected(claim) !== nameOf(node))) return noVolume;

  const taken: PersistentVolume[] = [];
  const toMake = claims.filter((claim) => selected(claim) !== undefined);
  const smallestFirst = claims
    .filter((claim) => selected(claim) === undefined)
    .sort((a, b) => sizeOf(a.spec?.resources?.requests).compare(sizeOf(b.spec?.resources?.requests)));
  for (const claim of smallestFirst) {
    const volume = volumeFor(claim, node, world, taken);
    if (volume === undefined) toMake.push(claim);
    else taken.push(volume);
  }
  for (const claim of toMake) {
    const storageClass = classOf(claim, world);
    if (storageClass === undefined || !canMake(storageClass, node)) return noVolume;
    if (!hasCapacity(storageClass, claim, node, world)) return ["node(s) did not have enough free storage"];
  }
  return [];
}

/** The volume that is reserved for the claim, or the smallest that is large enough, free, of its kind and reachable. */
function volumeFor(
  claim: PersistentVolumeClaim,
  node: Node,
  world: World,
  taken: readonly PersistentVolume[],
): PersistentVolume | undefined {
  const wanted = sizeOf(claim.spec?.resources?.requests);
  const candidates = (world.objects.persistentVolumes ?? []).filter(
    (volume) =>
      !taken.includes(volume) &&
      (volume.spec?.storageClassName ?? "") === (claim.spec?.storageClassName ?? "") &&
      (volume.spec?.volumeMode ?? "Filesystem") === (claim.spec?.volumeMode ?? "Filesystem") &&
      sizeOf(volume.spec?.capacity).compare(wanted) >= 0,
  );
  const reserved = candidates.find(({ spec }) => {
    const ref = spec?.claimRef;
    const isNamed = ref?.name === nameOf(claim) && ref.namespace === namespaceOf(claim);
    return isNamed && ((ref.uid ?? "") === "" || ref.uid === claim.metadata.uid);
  });
  if (reserved !== undefined) return isReachable(reserved, node) ? reserved : undefined;
  return candidates
    .filter(
      (volume) =>
        volume.spec?.claimRef === undefined &&
        volume.status?.phase === "Available" &&
        volume.metadata.deletionTimestamp === undefined &&
        (claim.spec?.selector === undefined || selects(claim.spec.selector, labelsOf(volume))) &&
        (claim.spec?.accessModes ?? []).every((mode) => volume.spec?.accessModes?.includes(mode)) &&
        isReachable(volume, node),
    )
    .sort((a, b) => sizeOf(a.spec?.capacity).compare(sizeOf(b.spec?.capacity)))[0];
}

function canMake({ provisioner, allowedTopologies = [] }: StorageClass, node: Node): boolean {
  if (provisioner === "" || provisioner === "kubernetes.io/no-provisioner") return false;
  if (allowedTopologies.length === 0) return true;
  return allowedTopologies.some(
    ({ matchLabelExpressions = [] }) =>
      matchLabelExpressions.length > 0 &&
      matchLabelExpressions.every(({ key, values }) => values.includes(labelsOf(node)[key] ?? "")),
  );
}

/** Only asked where the driver publishes what it has left. */
function hasCapacity(storageClass: StorageClass, claim: PersistentVolumeClaim, node: Node, world: World): boolean {
  const driver = (world.objects.csiDrivers ?? []).find((one) => nameOf(one) === storageClass.provisioner);
  if (driver?.spec.storageCapacity !== true || claim.spec?.resources?.requests?.storage === undefined) return true;
  const wanted = sizeOf(claim.spec.resources.requests);
  return (world.objects.csiStorageCapacities ?? []).some(
    ({ storageClassName, capacity, maximumVolumeSize, nodeTopology }) => {
      const limit = maximumVolumeSize ?? capacity;
      return (
        storageClassName === nameOf(storageClass) &&
        limit !== undefined &&
        Quantity.of(limit).compare(wanted) >= 0 &&
        selects(nodeTopology, labelsOf(node))
      );
    },
  );
}

/** Old names of labels and those that replaced them. */
const zoneLabels: Readonly<Record<string, string>> = {
  "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone": "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region": "topology.kubernetes.io/region",
};

/** Labels of a bound volume name its zone, or several: `a__b`. Nodes without any such label are taken to be everywhere. */
export function zonesVolumes(pod: Pod, node: Node, world: World): Refusal | undefined {
  const labels = labelsOf(node);
  if (!Object.keys(zoneLabels).some((key) => labels[key] !== undefined)) return undefined;
  for (const { persistentVolumeClaim } of pod.spec?.volumes ?? []) {
    const claim = claimNamed(pod, persistentVolumeClaim?.claimName ?? "", world);
    const volume = volumeNamed(claim?.spec?.volumeName, world);
    for (const [key, successor] of Object.entries(zoneLabels)) {
      const zones = volume?.metadata.labels?.[key]?.split("__").map((zone) => zone.trim());
      const zone = labels[key] ?? labels[successor];
      if (zones !== undefined && (zone === undefined || !zones.includes(zone))) {
        return always("node(s) had no available volume zone");
      }
    }
  }
  return undefined;
}
