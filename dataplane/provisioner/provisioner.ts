import type { Clock, Log } from "../../base/mod.ts";
import {
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  Quantity,
  type StorageClass,
} from "../../controlplane/api/mod.ts";
import {
  type Client,
  EventRecorder,
  type Informer,
  type InformerFactory,
  isAlreadyExists,
  isConflict,
  isNotFound,
  keyOf,
  type ObjectKey,
  splitKey,
  WorkQueue,
} from "../../controlplane/client/mod.ts";
import {
  hostnameLabel,
  provisionedBy,
  provisionerFinalizer,
  provisionerName,
  selectedNode,
  storageProvisioner,
} from "./names.ts";
import type { VolumeDirectories } from "./volume-directories.ts";
import { refusal, volumeFor, volumeNameOf } from "./volume-object.ts";

export interface ProvisionerOptions {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly log: Log;
  readonly nodeName: string;
  readonly directories: VolumeDirectories;
}

const claimPrefix = "claim ";
const volumePrefix = "volume ";
const sweep = "sweep";

/**
 * Makes volumes out of directories of its node: for claims that name this node, removes those that are released, and lets claims grow. Every step
 * may be the last before a crash: names come from the claims, so that whatever was begun is found again and carried to its end.
 */
export class LocalProvisioner {
  readonly queue: WorkQueue;
  readonly #options: ProvisionerOptions;
  readonly #events: EventRecorder;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #nodes: Informer<Node>;

  constructor(options: ProvisionerOptions) {
    this.#options = options;
    const { client, clock, log, informers, nodeName } = options;
    this.queue = new WorkQueue({
      clock,
      initialDelayMs: 100,
      maxDelayMs: 60_000,
      onFailure: (key, error, failures) =>
        log(isConflict(error) ? "debug" : "warn", "provisioner: reconcile failed", {
          key,
          failures,
          error: (error as Error).message,
        }),
    });
    this.#events = new EventRecorder(client, { component: provisionerName, host: nodeName, log, clock });
    this.#claims = informers.informer(client.persistentVolumeClaims);
    this.#volumes = informers.informer(client.persistentVolumes);
    this.#classes = informers.informer(client.storageClasses);
    this.#nodes = informers.informer(client.nodes, { fieldSelector: `metadata.name=${nodeName}` });
    const claim = (object: PersistentVolumeClaim) => this.queue.add(claimPrefix + keyOf(object));
    const volume = (object: PersistentVolume) => this.queue.add(volumePrefix + object.metadata.name);
    this.#claims.addHandler({ onAdd: claim, onUpdate: (_, now) => claim(now), onDelete: () => this.queue.add(sweep) });
    this.#volumes.addHandler({
      onAdd: volume,
      onUpdate: (_, now) => volume(now),
      onDelete: () => this.queue.add(sweep),
    });
    const allClaims = () => this.#claims.lister.list().forEach(claim);
    this.#classes.addHandler({ onAdd: allClaims });
    this.#nodes.addHandler({ onAdd: allClaims });
    this.queue.add(sweep);
  }

  /** Reads everything now, is never told which event woke it, may run twice. */
  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<undefined> {
    if (key === sweep) await this.#sweep(signal);
    else if (key.startsWith(claimPrefix)) await this.#reconcileClaim(key.slice(claimPrefix.length), signal);
    else await this.#reconcileVolume(key.slice(volumePrefix.length), signal);
  }

  /** Resolves when what was said about objects is written. */
  async flush(): Promise<void> {
    await this.#events.flush();
  }

  async #reconcileClaim(key: ObjectKey, signal: AbortSignal): Promise<void> {
    const { namespace, name } = splitKey(key);
    const claim = this.#claims.lister.get(namespace, name);
    if (claim === undefined || claim.metadata.deletionTimestamp !== undefined) return;
    if (claim.spec?.volumeName) await this.#grow(claim, signal);
    else await this.#provision(claim, signal);
  }

  async #provision(claim: PersistentVolumeClaim, signal: AbortSignal): Promise<void> {
    const { client, directories, nodeName } = this.#options;
    const { annotations = {} } = claim.metadata;
    if (annotations[storageProvisioner] !== provisionerName || annotations[selectedNode] !== nodeName) return;
    const storageClass = this.#classes.lister.get(undefined, claim.spec?.storageClassName ?? "");
    const node = this.#nodes.lister.get(undefined, nodeName);
    if (storageClass === undefined || node === undefined) return; // their coming brings us back
    const name = volumeNameOf(claim);
    if (this.#volumes.lister.get(undefined, name) !== undefined) return; // made; to bind it is another's work
    const why = refusal(claim, storageClass);
    if (why !== undefined) {
      this.#tellFailure(claim, storageClass, why);
      return; // only another claim makes that better
    }
    const message = `External provisioner is provisioning volume for claim "${keyOf(claim)}"`;
    this.#events.event(claim, "Normal", "Provisioning", message);
    try {
      const path = directories.begin(name);
      const hostname = node.metadata.labels?.[hostnameLabel] ?? nodeName;
      await client.persistentVolumes.create(volumeFor(claim, storageClass, { hostname, path }), { signal });
    } catch (error) {
      if (!isAlreadyExists(error)) {
        if (!signal.aborted) this.#tellFailure(claim, storageClass, (error as Error).message);
        throw error;
      }
    }
    directories.finish(name);
    this.#events.event(claim, "Normal", "ProvisioningSucceeded", `Successfully provisioned volume ${name}`);
  }

  #tellFailure(claim: PersistentVolumeClaim, { metadata }: StorageClass, why: string): void {
    const message = `failed to provision volume with StorageClass "${metadata.name}": ${why}`;
    this.#events.event(claim, "Warning", "ProvisioningFailed", message);
  }

  /** A directory is as large as its disk: all there is to do is to say so. */
  async #grow(claim: PersistentVolumeClaim, signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    const { status = {}, metadata } = claim;
    if (status.allocatedResourceStatuses?.storage !== "NodeResizePending") return;
    const volume = this.#volumes.lister.get(undefined, claim.spec?.volumeName ?? "");
    if (volume === undefined || !this.#isOurs(volume) || volume.spec?.claimRef?.uid !== metadata.uid) return;
    const storage = status.allocatedResources?.storage ?? "";
    if (Quantity.of(volume.spec.capacity?.storage).compare(Quantity.of(storage)) < 0) return;
    const { storage: _, ...statuses } = status.allocatedResourceStatuses;
    const done = ["FileSystemResizePending", "Resizing"];
    const { allocatedResourceStatuses: __, ...rest } = status;
    await client.persistentVolumeClaims.updateStatus(
      {
        ...claim,
        status: {
          ...rest,
          capacity: { ...status.capacity, storage },
          ...(Object.keys(statuses).length === 0 ? {} : { allocatedResourceStatuses: statuses }),
          conditions: status.conditions?.filter(({ type }) => !done.includes(type)),
        },
      },
      { signal },
    );
    const message = `NodeExpandVolume succeeded for volume "${volume.metadata.name}": a directory takes what its node's disk has`;
    this.#events.event(claim, "Normal", "FileSystemResizeSuccessful", message);
  }

  async #reconcileVolume(name: string, signal: AbortSignal): Promise<void> {
    const { client, directories } = this.#options;
    const volume = this.#volumes.lister.get(undefined, name);
    if (volume === undefined || !this.#isOurs(volume)) return;
    const { claimRef, persistentVolumeReclaimPolicy } = volume.spec ?? {};
    if (claimRef?.name !== undefined) this.queue.add(`${claimPrefix}${claimRef.namespace}/${claimRef.name}`);
    if (persistentVolumeReclaimPolicy !== "Delete") return this.#letGo(volume, signal);
    if (volume.status?.phase !== "Released") return;
    try {
      await directories.remove(name);
    } catch (error) {
      this.#events.event(volume, "Warning", "VolumeFailedDelete", (error as Error).message);
      throw error;
    }
    const { uid } = volume.metadata;
    try {
      await client.persistentVolumes.delete(name, { preconditions: { uid }, signal });
      await this.#removeFinalizer(await client.persistentVolumes.get(name, { signal }), signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    this.#options.log("info", "volume removed", { volume: name });
  }

  /** What is to be kept needs nobody's leave to be forgotten. */
  async #letGo(volume: PersistentVolume, signal: AbortSignal): Promise<void> {
    if (volume.metadata.deletionTimestamp === undefined) return;
    try {
      await this.#removeFinalizer(volume, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #removeFinalizer(volume: PersistentVolume, signal: AbortSignal): Promise<void> {
    const { finalizers = [] } = volume.metadata;
    if (!finalizers.includes(provisionerFinalizer)) return;
    const metadata = { ...volume.metadata, finalizers: finalizers.filter((one) => one !== provisionerFinalizer) };
    await this.#options.client.persistentVolumes.update({ ...volume, metadata }, { signal });
  }

  /** Directories whose volume the API never got, and whose claim is gone: nobody will ask for them again. */
  async #sweep(signal: AbortSignal): Promise<void> {
    const { client, directories } = this.#options;
    for (const name of directories.unfinished()) {
      try {
        await client.persistentVolumes.get(name, { signal });
        directories.finish(name); // the answer to its creation was lost
        continue;
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      const isWanted = this.#claims.lister.list().some((claim) => volumeNameOf(claim) === name);
      if (!isWanted) await directories.remove(name);
    }
  }

  #isOurs({ metadata, spec }: PersistentVolume): boolean {
    if (metadata.annotations?.[provisionedBy] !== provisionerName) return false;
    return spec?.local?.path === this.#options.directories.pathOf(metadata.name ?? "");
  }
}
