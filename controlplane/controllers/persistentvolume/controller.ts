import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from "../../api/mod.ts";
import {
  type EventRecorder,
  type Informer,
  isNotFound,
  keyOf,
  type ObjectKey,
  type Requeue,
  referenceTo,
  sleep,
  splitKey,
  timestamp,
  type WorkQueue,
} from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue, recorderFor } from "../common/controller.ts";
import { sameJson } from "../common/equality.ts";
import { WrittenCache } from "../common/written-cache.ts";
import {
  betaStorageProvisioner,
  bindCompleted,
  boundByController,
  claimIndex,
  claimKeys,
  localProvisioner,
  selectedNode,
  storageProvisioner,
} from "./annotations.ts";
import { nodeFor } from "./node-for-claim.ts";
import { type ClaimPlan, planClaim, planVolume, type Said, type VolumePlan } from "./plan.ts";

/** What waits is looked at this often, as in the original: users see its reason repeated. */
const resyncMs = 15_000;
const claimPrefix = "claim ";
const volumePrefix = "volume ";

/**
 * Brings PersistentVolumeClaims and PersistentVolumes together, and has volumes made and reclaimed.
 *
 * A binding is four writes: the volume names the claim, the volume is Bound, the claim names the volume, the claim is Bound. The first
 * decides, in one update that carries the version that was read; the others follow from it, and after a crash they are found missing
 * and made. So no volume ever belongs to two claims, whoever else writes.
 */
export class PersistentVolumeBinder implements Controller {
  readonly name = "persistentvolume-controller";
  /** One: what a claim is given depends on what the one before it was given. */
  readonly workers = 1;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #knownClaims: WrittenCache<PersistentVolumeClaim>;
  readonly #volumes: WrittenCache<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #events: EventRecorder;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#events = recorderFor(this.name, context);
    const { client, informers } = context;
    this.#claims = informers.informer(client.persistentVolumeClaims);
    this.#knownClaims = new WrittenCache(this.#claims);
    const volumes = informers.informer(client.persistentVolumes);
    this.#volumes = new WrittenCache(volumes);
    this.#classes = informers.informer(client.storageClasses);
    this.#nodes = informers.informer(client.nodes);
    this.#pods = informers.informer(client.pods);
    this.#pods.addIndex(claimIndex, claimKeys);
    const claim = (object: PersistentVolumeClaim) => this.queue.add(claimPrefix + keyOf(object));
    this.#claims.addHandler({
      onAdd: claim,
      onUpdate: (_, now) => claim(now),
      onDelete: ({ spec }) => {
        // Its volume has been released.
        if (spec?.volumeName) this.queue.add(volumePrefix + spec.volumeName);
      },
    });
    const volume = ({ metadata }: PersistentVolume) => this.queue.add(volumePrefix + metadata.name);
    volumes.addHandler({
      onAdd: volume,
      onUpdate: (_, now) => volume(now),
      onDelete: ({ spec }) => {
        const { namespace, name } = spec?.claimRef ?? {};
        if (name !== undefined) this.queue.add(`${claimPrefix}${namespace}/${name}`);
      },
    });
    this.#classes.addHandler({ onAdd: () => this.#waitingClaims() });
    // Its first consumer has come, or has been given a node.
    const consumer = (pod: Pod) => {
      for (const key of claimKeys(pod)) if (this.#isWaiting(key)) this.queue.add(claimPrefix + key);
    };
    this.#pods.addHandler({ onAdd: consumer });
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#context.clock, resyncMs, signal).catch(() => undefined);
      this.#waitingClaims();
    }
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Requeue | undefined> {
    if (key.startsWith(claimPrefix)) await this.#reconcileClaim(key.slice(claimPrefix.length), signal);
    else await this.#reconcileVolume(key.slice(volumePrefix.length), signal);
    return undefined;
  }

  async #reconcileClaim(key: ObjectKey, signal: AbortSignal): Promise<void> {
    const { namespace = "", name } = splitKey(key);
    const claim = this.#knownClaims.get(namespace, name);
    if (claim === undefined) return;
    const waitingPods = this.#pods.lister
      .byIndex(claimIndex, key)
      .filter(({ spec, metadata }) => !spec.nodeName && metadata.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata.name ?? "");
    const plan = planClaim(claim, {
      volumes: new Map(this.#volumes.list().map((volume) => [volume.metadata.name ?? "", volume])),
      storageClass: (className) => this.#classes.lister.get(undefined, className),
      waitingPods,
    });
    await this.#carryOut(claim, plan, signal);
  }

  async #carryOut(claim: PersistentVolumeClaim, plan: ClaimPlan, signal: AbortSignal): Promise<void> {
    switch (plan.do) {
      case "bind":
        return this.#bind(claim, plan.volume, signal);
      case "provision":
        return this.#provision(claim, plan.storageClass, signal);
      case "lose":
        if (claim.status?.phase !== "Lost") this.#say(claim, plan.say);
        await this.#claimPhase(claim, "Lost", signal);
        return;
      case "wait":
        if (plan.say !== undefined) this.#say(claim, plan.say);
        await this.#claimPhase(claim, "Pending", signal);
    }
  }

  async #bind(claim: PersistentVolumeClaim, volume: PersistentVolume, signal: AbortSignal): Promise<void> {
    const { client, log } = this.#context;
    const { namespace, name } = claim.metadata;
    const volumeName = volume.metadata.name ?? "";
    let taken = volume;
    const ref = volume.spec?.claimRef;
    if (ref?.uid !== claim.metadata.uid) {
      const annotations: Record<string, string> = ref === undefined ? { [boundByController]: "yes" } : {};
      taken = this.#volumes.written(
        await client.persistentVolumes.update(
          {
            ...volume,
            metadata: { ...volume.metadata, annotations: { ...volume.metadata.annotations, ...annotations } },
            spec: { ...volume.spec, claimRef: referenceTo(claim) },
          },
          { signal },
        ),
      );
    }
    await this.#volumePhase(taken, "Bound", signal);
    let bound = claim;
    if (claim.spec?.volumeName !== volumeName || claim.metadata.annotations?.[bindCompleted] === undefined) {
      const chosen: Record<string, string> =
        claim.spec?.volumeName === volumeName ? {} : { [boundByController]: "yes" };
      const annotations = { ...claim.metadata.annotations, ...chosen, [bindCompleted]: "yes" };
      bound = this.#knownClaims.written(
        await client.persistentVolumeClaims.update(
          { ...claim, metadata: { ...claim.metadata, annotations }, spec: { ...claim.spec, volumeName } },
          { signal },
        ),
      );
      log("info", "claim bound", { claim: `${namespace}/${name}`, volume: volumeName });
    }
    await this.#claimPhase(bound, "Bound", signal, taken);
  }

  /** Says who should make a volume; that one does the rest, and the volume it makes names the claim. */
  async #provision(claim: PersistentVolumeClaim, storageClass: StorageClass, signal: AbortSignal): Promise<void> {
    const { provisioner } = storageClass;
    const wanted: Record<string, string> = {
      ...claim.metadata.annotations,
      [storageProvisioner]: provisioner,
      [betaStorageProvisioner]: provisioner,
    };
    if (provisioner === localProvisioner && !this.#selectNode(storageClass, wanted)) {
      const message = "no ready node can make a volume of this class";
      this.#say(claim, { type: "Warning", reason: "ProvisioningFailed", message });
    }
    let asked = claim;
    if (!sameJson(wanted, claim.metadata.annotations)) {
      const metadata = { ...claim.metadata, annotations: wanted };
      const updated = await this.#context.client.persistentVolumeClaims.update({ ...claim, metadata }, { signal });
      asked = this.#knownClaims.written(updated);
    }
    const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
    this.#say(asked, { type: "Normal", reason: "ExternalProvisioning", message });
    await this.#claimPhase(asked, "Pending", signal);
  }

  /** The provisioners of nodes serve claims that name theirs. Where no scheduler names one, or it is gone, somebody has to. */
  #selectNode({ volumeBindingMode, allowedTopologies }: StorageClass, annotations: Record<string, string>): boolean {
    const selected = annotations[selectedNode];
    if (selected !== undefined && this.#nodes.lister.get(undefined, selected) !== undefined) return true;
    delete annotations[selectedNode];
    // With the annotation gone the scheduler chooses again.
    if (volumeBindingMode === "WaitForFirstConsumer") return true;
    const chosen = nodeFor(this.#nodes.lister.list(), this.#volumes.list(), allowedTopologies);
    if (chosen !== undefined) annotations[selectedNode] = chosen;
    return chosen !== undefined;
  }

  async #reconcileVolume(name: string, signal: AbortSignal): Promise<void> {
    const volume = this.#volumes.get(undefined, name);
    if (volume === undefined) return;
    const claim = await this.#claimOf(volume, signal);
    await this.#carryOutVolume(volume, claim, planVolume(volume, claim), signal);
  }

  async #carryOutVolume(
    volume: PersistentVolume,
    claim: PersistentVolumeClaim | undefined,
    plan: VolumePlan,
    signal: AbortSignal,
  ): Promise<void> {
    switch (plan.do) {
      case "phase": {
        const written = await this.#volumePhase(volume, plan.phase, signal);
        if (plan.say !== undefined) this.#say(volume, plan.say);
        else if (claim !== undefined && !claim.spec?.volumeName) this.queue.add(claimPrefix + keyOf(claim));
        // A free volume may be what somebody waits for.
        if (written && plan.phase === "Available") this.#waitingClaims();
        return;
      }
      case "release": {
        const { phase } = volume.status ?? {};
        if (plan.reclaim.kind === "fail") {
          if (phase === "Failed") return;
          this.#say(volume, plan.reclaim.say);
          await this.#volumePhase(volume, "Failed", signal, plan.reclaim.say.message);
        } else if (phase !== "Released" && phase !== "Failed") await this.#volumePhase(volume, "Released", signal);
        return;
      }
      case "unbind": {
        const { [boundByController]: _, ...annotations } = volume.metadata.annotations ?? {};
        const { namespace, name } = volume.spec?.claimRef ?? {};
        const claimRef = plan.keepName
          ? { kind: "PersistentVolumeClaim", apiVersion: "v1", namespace, name }
          : undefined;
        const updated = await this.#context.client.persistentVolumes.update(
          { ...volume, metadata: { ...volume.metadata, annotations }, spec: { ...volume.spec, claimRef } },
          { signal },
        );
        await this.#volumePhase(this.#volumes.written(updated), "Available", signal);
      }
    }
  }

  /** Releasing a volume cannot be undone: that its claim is gone is believed of the server alone. */
  async #claimOf({ spec }: PersistentVolume, signal: AbortSignal): Promise<PersistentVolumeClaim | undefined> {
    const { namespace = "", name = "", uid } = spec?.claimRef ?? {};
    if (!uid) return undefined;
    const cached = this.#knownClaims.get(namespace, name);
    if (cached?.metadata.uid === uid) return cached;
    try {
      const current = await this.#context.client.persistentVolumeClaims.get(namespace, name, { signal });
      return current.metadata.uid === uid ? current : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Returns whether it was another before. */
  async #volumePhase(
    volume: PersistentVolume,
    phase: NonNullable<NonNullable<PersistentVolume["status"]>["phase"]>,
    signal: AbortSignal,
    message?: string,
  ): Promise<boolean> {
    if (volume.status?.phase === phase) return false;
    const lastPhaseTransitionTime = timestamp(this.#context.clock.now());
    const status = { phase, lastPhaseTransitionTime, ...(message === undefined ? {} : { message }) };
    this.#volumes.written(await this.#context.client.persistentVolumes.updateStatus({ ...volume, status }, { signal }));
    return true;
  }

  async #claimPhase(
    claim: PersistentVolumeClaim,
    phase: "Pending" | "Bound" | "Lost",
    signal: AbortSignal,
    volume?: PersistentVolume,
  ): Promise<void> {
    const { capacity: _capacity, accessModes: _modes, ...before } = claim.status ?? {};
    // The size is the volume's when they are bound, and afterwards what resizing makes it.
    const capacity = claim.status?.phase === phase ? claim.status.capacity : volume?.spec?.capacity;
    const filled = phase === "Bound" ? { accessModes: volume?.spec?.accessModes, capacity } : {};
    const wanted = { ...before, phase, ...filled };
    if (sameJson(claim.status, wanted)) return;
    const updated = await this.#context.client.persistentVolumeClaims.updateStatus(
      { ...claim, status: wanted },
      { signal },
    );
    this.#knownClaims.written(updated);
  }

  #waitingClaims(): void {
    for (const claim of this.#claims.lister.list()) {
      if (claim.status?.phase !== "Bound") this.queue.add(claimPrefix + keyOf(claim));
    }
  }

  #isWaiting(key: ObjectKey): boolean {
    const { namespace, name } = splitKey(key);
    return this.#claims.lister.get(namespace, name)?.status?.phase === "Pending";
  }

  #say(about: PersistentVolume | PersistentVolumeClaim, { type, reason, message }: Said): void {
    this.#events.event(about, type, reason, message);
  }
}
