import { equalJson, type Node, type PersistentVolume, type PersistentVolumeClaim } from "../../api/mod.ts";
import type { Cluster, Objects } from "../cluster.ts";
import { StateKey } from "../framework/cycle-state.ts";
import type { BindContext, Plugin } from "../framework/plugin.ts";
import {
  boundByController,
  claimsOfPod,
  concernsClaim,
  isBound,
  type PodClaims,
  selectedNodeAnnotation,
  storageClassOf,
} from "../volumes/claims.ts";
import {
  allowsTopology,
  findVolume,
  hasCapacity,
  isReachable,
  isReservedFor,
  requestedStorage,
} from "../volumes/match.ts";

export interface VolumeBindingArgs {
  /** How long a pod waits for its claims once it has a node. Default 600 s. */
  readonly bindTimeoutSeconds?: number;
}

const reasons = {
  noMatch: "node(s) didn't find available persistent volumes to bind",
  unreachable: "node(s) had volume node affinity conflict",
  noSpace: "node(s) did not have enough free storage",
  gone: "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",
} as const;

/** What has to be done so that the pod's claims can be used on one node. */
interface Work {
  readonly bindings: readonly { readonly claim: PersistentVolumeClaim; readonly volume: PersistentVolume }[];
  readonly provisions: readonly PersistentVolumeClaim[];
}

interface State {
  readonly claims: PodClaims;
  /** By node, as filter found it. */
  readonly work: Map<string, Work>;
  /** What reserve has assumed; preBind writes it. */
  reserved: Work | undefined;
}

const stateKey = new StateKey<State>("VolumeBinding");

/** Static volumes first, the smallest claims choosing first; what finds none is provisioned, where its class can do that. */
function plan(claims: readonly PersistentVolumeClaim[], node: Node, objects: Objects): Work | keyof typeof reasons {
  const bindings: { claim: PersistentVolumeClaim; volume: PersistentVolume }[] = [];
  const provisions: PersistentVolumeClaim[] = [];
  const taken = new Set<string>();
  const sorted = [...claims].sort((a, b) => requestedStorage(a) - requestedStorage(b));
  for (const claim of sorted) {
    const selected = claim.metadata.annotations?.[selectedNodeAnnotation];
    if (selected === undefined) continue;
    if (selected !== node.metadata.name) return "noMatch";
    provisions.push(claim);
  }
  for (const claim of sorted) {
    if (provisions.includes(claim)) continue;
    const volume = findVolume(claim, node, taken, objects);
    if (volume === undefined) {
      provisions.push(claim);
      continue;
    }
    taken.add(volume.metadata.name ?? "");
    bindings.push({ claim, volume });
  }
  for (const claim of provisions) {
    const storageClass = objects.storageClass(storageClassOf(claim));
    const provisioner = storageClass?.provisioner ?? "";
    if (storageClass === undefined || provisioner === "" || provisioner === "kubernetes.io/no-provisioner")
      return "noMatch";
    if (!allowsTopology(storageClass, node)) return "noMatch";
    if (!hasCapacity(claim, storageClass, node, objects)) return "noSpace";
  }
  return { bindings, provisions };
}

function reserveVolume(volume: PersistentVolume, claim: PersistentVolumeClaim): PersistentVolume {
  const { namespace, name, uid, resourceVersion } = claim.metadata;
  const claimRef = { kind: "PersistentVolumeClaim", apiVersion: "v1", namespace, name, uid, resourceVersion };
  const annotations = isReservedFor(volume, claim)
    ? volume.metadata.annotations
    : { ...volume.metadata.annotations, [boundByController]: "yes" };
  return { ...volume, metadata: { ...volume.metadata, annotations }, spec: { ...volume.spec, claimRef } };
}

function selectNode(claim: PersistentVolumeClaim, nodeName: string): PersistentVolumeClaim {
  const annotations = { ...claim.metadata.annotations, [selectedNodeAnnotation]: nodeName };
  return { ...claim, metadata: { ...claim.metadata, annotations } };
}

function forget(work: Work, objects: Objects): void {
  for (const { volume } of work.bindings) objects.forgetVolume(volume);
  for (const claim of work.provisions) objects.forgetClaim(claim);
}

/** Whether all is bound; throws when it never will be this way, so that the pod is scheduled anew. */
function isDone(work: Work, nodeName: string, cluster: Cluster): boolean {
  const { objects } = cluster;
  for (const { claim: before } of [...work.bindings, ...work.provisions.map((claim) => ({ claim }))]) {
    const { namespace = "", name = "" } = before.metadata;
    const claim = objects.claim(namespace, name);
    if (claim === undefined) throw new Error(`persistentvolumeclaim "${name}" not found`);
    if (isBound(claim)) {
      const volume = objects.volume(claim.spec?.volumeName ?? "");
      const node = cluster.node(nodeName);
      if (volume === undefined || node === undefined) return false;
      if (!isReachable(volume, node.node)) {
        throw new Error(`pv "${volume.metadata.name}" node affinity doesn't match node "${nodeName}"`);
      }
      continue;
    }
    const isProvisioned = work.provisions.some(({ metadata }) => metadata.uid === before.metadata.uid);
    // A provisioner that cannot serve the node takes the annotation away: somewhere else, please.
    if (isProvisioned && claim.metadata.annotations?.[selectedNodeAnnotation] !== nodeName) {
      throw new Error(`provisioning failed for PVC "${name}"`);
    }
    return false;
  }
  return true;
}

/** Tells volumes which claims they are for, and claims which node they are for. */
async function write(work: Work, nodeName: string, { client, cluster }: BindContext): Promise<void> {
  for (const { claim, volume } of work.bindings) {
    const now = cluster.objects.volume(volume.metadata.name ?? "") ?? volume;
    cluster.objects.assumeVolume(await client.persistentVolumes.update(reserveVolume(now, claim)));
  }
  for (const claim of work.provisions) {
    const now = cluster.objects.claim(claim.metadata.namespace ?? "", claim.metadata.name ?? "") ?? claim;
    cluster.objects.assumeClaim(await client.persistentVolumeClaims.update(selectNode(now, nodeName)));
  }
}

/**
 * Bound claims: the volume's node affinity must allow the node. Claims that wait for their first consumer: on the node there must be a volume
 * that fits, or their class must be able to make one for it. On the chosen node that is assumed (reserve), written (preBind), and waited for
 * (plugins/volumebinding).
 */
export function volumeBinding({ bindTimeoutSeconds = 600 }: VolumeBindingArgs = {}): Plugin {
  return {
    name: "VolumeBinding",
    preFilter(pod, { objects }, state) {
      if (pod.claims.length === 0) return "skip";
      const claims = claimsOfPod(pod, objects);
      if (typeof claims === "string") return { reasons: [claims], unresolvable: true };
      if (claims.immediate.length > 0) {
        return { reasons: ["pod has unbound immediate PersistentVolumeClaims"], unresolvable: true };
      }
      state.set(stateKey, { claims, work: new Map(), reserved: undefined });
      return undefined;
    },
    filter(_pod, { name, node }, state, { objects }) {
      const found = state.get(stateKey);
      if (found === undefined) return undefined;
      const problems = new Set<string>();
      for (const claim of found.claims.bound) {
        const volume = objects.volume(claim.spec?.volumeName ?? "");
        if (volume === undefined) problems.add(reasons.gone);
        else if (!isReachable(volume, node)) problems.add(reasons.unreachable);
      }
      const work = plan(found.claims.late, node, objects);
      if (typeof work === "string") problems.add(reasons[work]);
      else found.work.set(name, work);
      return problems.size === 0 ? undefined : { reasons: [...problems], unresolvable: true };
    },
    reserve(_pod, { name }, state, { objects }) {
      const found = state.get(stateKey);
      const work = found?.work.get(name);
      if (found === undefined || work === undefined) return;
      if (work.bindings.length + work.provisions.length === 0) return;
      found.reserved = work;
      for (const { claim, volume } of work.bindings) objects.assumeVolume(reserveVolume(volume, claim));
      for (const claim of work.provisions) objects.assumeClaim(selectNode(claim, name));
    },
    unreserve(_pod, _nodeName, state, { objects }) {
      const work = state.get(stateKey)?.reserved;
      if (work !== undefined) forget(work, objects);
    },
    needsPreBind: (state) => state.get(stateKey)?.reserved !== undefined,
    async preBind(_pod, nodeName, state, context) {
      const work = state.get(stateKey)?.reserved;
      if (work === undefined) return;
      const timeout = AbortSignal.timeout(bindTimeoutSeconds * 1000);
      const signal = AbortSignal.any([context.signal, timeout]);
      try {
        await write(work, nodeName, context);
        while (!isDone(work, nodeName, context.cluster)) await context.storageChanged(signal);
      } catch (error) {
        if (timeout.aborted) throw new Error("binding volumes: context deadline exceeded", { cause: error });
        throw new Error(`binding volumes: ${(error as Error).message}`, { cause: error });
      }
    },
    events: new Set([
      "StorageClassChange",
      "ClaimChange",
      "VolumeChange",
      "NodeAdd",
      "NodeUpdate",
      "CSIDriverChange",
      "CapacityChange",
    ]),
    mayHelp(event, pod) {
      switch (event.kind) {
        case "StorageClassChange":
          return (
            !equalJson(event.old?.allowedTopologies, event.storageClass.allowedTopologies) || event.old === undefined
          );
        case "ClaimChange":
          return concernsClaim(pod, event.claim);
        case "NodeUpdate":
          return !equalJson(event.old.metadata.labels, event.node.metadata.labels);
        case "CSIDriverChange":
          return event.old?.spec.storageCapacity === true && event.driver.spec.storageCapacity !== true;
        default:
          return event.kind === "VolumeChange" || event.kind === "NodeAdd" || event.kind === "CapacityChange";
      }
    },
  };
}
