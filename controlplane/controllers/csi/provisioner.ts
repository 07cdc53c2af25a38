import { csi } from "../../../proto/mod.ts";
import {
  type CSINode,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  Quantity,
  type StorageClass,
} from "../../api/mod.ts";
import {
  type EventRecorder,
  type Informer,
  isAlreadyExists,
  isNotFound,
  keyOf,
  type ObjectKey,
  referenceTo,
  splitKey,
  type WorkQueue,
} from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue, recorderFor } from "../common/controller.ts";
import { classOf, provisionedBy, selectedNode, storageProvisioner } from "../persistentvolume/annotations.ts";
import { capabilities } from "./capability.ts";
import { driverParameters, fsTypeOf, secretFor } from "./class-parameters.ts";
import { type CsiCaller, CsiError, type DriverInfo } from "./driver.ts";
import { readSecret } from "./secrets.ts";
import { affinityOf, requirementFor } from "./topology.ts";

/** Keeps a volume until its storage is gone. */
export const provisionerFinalizer = "external-provisioner.volume.kubernetes.io/finalizer";
const deletionSecretName = "volume.kubernetes.io/provisioner-deletion-secret-name";
const deletionSecretNamespace = "volume.kubernetes.io/provisioner-deletion-secret-namespace";
const claimPrefix = "claim ";
const volumePrefix = "volume ";
const mebibyte = 2 ** 20;

/** Has a driver make the volumes of claims that ask for it, and delete those that are released. */
export class CsiProvisioner implements Controller {
  readonly name: string;
  readonly workers = 2;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #driver: CsiCaller;
  readonly #info: DriverInfo;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #nodes: Informer<Node>;
  readonly #csiNodes: Informer<CSINode>;
  readonly #events: EventRecorder;

  constructor(context: ControllerContext, driver: CsiCaller, info: DriverInfo) {
    this.#context = context;
    this.#driver = driver;
    this.#info = info;
    this.name = `csi-provisioner ${info.name}`;
    this.queue = controllerQueue(this.name, context);
    this.#events = recorderFor(info.name, context);
    const { client, informers } = context;
    this.#claims = informers.informer(client.persistentVolumeClaims);
    this.#volumes = informers.informer(client.persistentVolumes);
    this.#classes = informers.informer(client.storageClasses);
    this.#nodes = informers.informer(client.nodes);
    this.#csiNodes = informers.informer(client.csiNodes);
    const claim = (it: PersistentVolumeClaim) => {
      if (this.#isOurs(it)) this.queue.add(claimPrefix + keyOf(it));
    };
    this.#claims.addHandler({ onAdd: claim, onUpdate: (_, now) => claim(now) });
    const volume = (it: PersistentVolume) => {
      if (this.#isToBeDeleted(it)) this.queue.add(volumePrefix + it.metadata.name);
    };
    this.#volumes.addHandler({ onAdd: volume, onUpdate: (_, now) => volume(now) });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<undefined> {
    if (key.startsWith(volumePrefix)) return this.#delete(key.slice(volumePrefix.length), signal);
    const { namespace = "", name } = splitKey(key.slice(claimPrefix.length));
    const claim = this.#claims.lister.get(namespace, name);
    if (claim === undefined || !this.#isOurs(claim)) return;
    const storageClass = this.#classes.lister.get(undefined, classOf(claim));
    if (storageClass === undefined) return;
    if (storageClass.volumeBindingMode === "WaitForFirstConsumer" && !claim.metadata.annotations?.[selectedNode])
      return;
    if (this.#volumes.lister.get(undefined, volumeNameOf(claim)) !== undefined) return; // made; binding it is another's work
    const message = `External provisioner is provisioning volume for claim "${keyOf(claim)}"`;
    this.#events.event(claim, "Normal", "Provisioning", message);
    try {
      await this.#provision(claim, storageClass, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      const why = `failed to provision volume with StorageClass "${storageClass.metadata.name}": ${(error as Error).message}`;
      this.#events.event(claim, "Warning", "ProvisioningFailed", why);
      await this.#chooseAgain(claim, storageClass, error, signal);
      throw error;
    }
  }

  async #provision(claim: PersistentVolumeClaim, storageClass: StorageClass, signal: AbortSignal): Promise<void> {
    const { client } = this.#context;
    if (claim.spec?.dataSource !== undefined || claim.spec?.dataSourceRef !== undefined)
      throw new Error("volumes with a data source are not supported");
    const name = volumeNameOf(claim);
    const requiredBytes = Quantity.of(claim.spec?.resources?.requests?.storage).value();
    const limitBytes = Quantity.of(claim.spec?.resources?.limits?.storage).value();
    const { accessModes = [], volumeMode } = claim.spec ?? {};
    const { mountOptions: mountFlags = [], reclaimPolicy = "Delete" } = storageClass;
    const fsType = fsTypeOf(storageClass);
    const secret = secretFor(storageClass, "provisioner", claim, name);
    // The name makes it safe to ask again, whatever became of the answer.
    const { volume } = await this.#driver.call(csi.ControllerService.methods.createVolume, {
      name,
      capacityRange: { requiredBytes, limitBytes },
      volumeCapabilities: capabilities({ accessModes, volumeMode, fsType, mountFlags }, this.#info.knowsSingleWriter),
      parameters: csi.toEntries(driverParameters(storageClass)),
      secrets: await readSecret(client, secret, signal),
      accessibilityRequirements: this.#requirement(claim, storageClass),
    });
    if (volume === undefined || volume.volumeId === "") throw new Error("the driver made a volume without an id");
    const bytes = volume.capacityBytes || requiredBytes;
    const required = affinityOf(volume.accessibleTopology);
    const secretOf = (use: Parameters<typeof secretFor>[1]) => secretFor(storageClass, use, claim, name);
    const made: PersistentVolume = {
      metadata: {
        name,
        annotations: {
          [provisionedBy]: this.#info.name,
          ...(secret === undefined
            ? {}
            : { [deletionSecretName]: secret.name ?? "", [deletionSecretNamespace]: secret.namespace ?? "" }),
        },
        finalizers: [provisionerFinalizer],
      },
      spec: {
        capacity: { storage: Quantity.fromNumber(bytes, bytes % mebibyte === 0 ? "BinarySI" : "DecimalSI").toString() },
        accessModes,
        volumeMode,
        persistentVolumeReclaimPolicy: reclaimPolicy,
        storageClassName: storageClass.metadata.name,
        ...(mountFlags.length === 0 ? {} : { mountOptions: [...mountFlags] }),
        claimRef: referenceTo(claim),
        ...(required === undefined ? {} : { nodeAffinity: { required } }),
        csi: {
          driver: this.#info.name,
          volumeHandle: volume.volumeId,
          ...(volumeMode === "Block" ? {} : { fsType }),
          volumeAttributes: csi.fromEntries(volume.volumeContext),
          controllerPublishSecretRef: secretOf("controller-publish"),
          nodeStageSecretRef: secretOf("node-stage"),
          nodePublishSecretRef: secretOf("node-publish"),
          controllerExpandSecretRef: secretOf("controller-expand"),
          nodeExpandSecretRef: secretOf("node-expand"),
        },
      },
    };
    try {
      await client.persistentVolumes.create(made, { signal });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    this.#events.event(claim, "Normal", "ProvisioningSucceeded", `Successfully provisioned volume ${name}`);
  }

  #requirement(claim: PersistentVolumeClaim, storageClass: StorageClass) {
    if (!this.#info.hasTopology) return undefined;
    const selected = claim.metadata.annotations?.[selectedNode];
    const csiNodeOf = (name: string) => this.#csiNodes.lister.get(undefined, name);
    const nodes = this.#nodes.lister.list();
    const requirement = requirementFor(this.#info.name, selected, nodes, csiNodeOf, storageClass.allowedTopologies);
    if (requirement === undefined)
      throw new Error(
        `error generating accessibility requirements: no topology key found${selected === undefined ? "" : ` on node ${selected}`}`,
      );
    return requirement;
  }

  /** A node whose segment is full is no good: with the annotation gone the scheduler looks for another. */
  async #chooseAgain(
    claim: PersistentVolumeClaim,
    { volumeBindingMode }: StorageClass,
    error: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    if (volumeBindingMode !== "WaitForFirstConsumer") return;
    if (!(error instanceof CsiError) || error.code !== "ResourceExhausted") return;
    const { namespace, name, uid } = claim.metadata;
    const patch = { metadata: { uid, annotations: { [selectedNode]: null } } };
    await this.#context.client.persistentVolumeClaims.patch(namespace, name ?? "", "merge", patch, { signal });
  }

  async #delete(name: string, signal: AbortSignal): Promise<undefined> {
    const { client } = this.#context;
    const volume = this.#volumes.lister.get(undefined, name);
    if (volume === undefined || !this.#isToBeDeleted(volume)) return;
    const { annotations = {}, uid } = volume.metadata;
    const reference = { name: annotations[deletionSecretName], namespace: annotations[deletionSecretNamespace] };
    try {
      await this.#driver.call(csi.ControllerService.methods.deleteVolume, {
        volumeId: volume.spec?.csi?.volumeHandle ?? "",
        secrets: await readSecret(client, reference, signal),
      });
    } catch (error) {
      if (!signal.aborted) this.#events.event(volume, "Warning", "VolumeFailedDelete", (error as Error).message);
      throw error;
    }
    try {
      await client.persistentVolumes.delete(name, { preconditions: { uid }, signal });
      const current = await client.persistentVolumes.get(name, { signal });
      const finalizers = current.metadata.finalizers?.filter((it) => it !== provisionerFinalizer);
      await client.persistentVolumes.update({ ...current, metadata: { ...current.metadata, finalizers } }, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #isOurs({ metadata, spec }: PersistentVolumeClaim): boolean {
    if (spec?.volumeName || metadata.deletionTimestamp !== undefined || !this.#info.canCreate) return false;
    return metadata.annotations?.[storageProvisioner] === this.#info.name;
  }

  #isToBeDeleted({ metadata, spec, status }: PersistentVolume): boolean {
    if (spec?.csi?.driver !== this.#info.name || metadata.annotations?.[provisionedBy] !== this.#info.name)
      return false;
    return status?.phase === "Released" && spec.persistentVolumeReclaimPolicy === "Delete";
  }
}

/** One per claim, for ever: asked twice, a driver makes one volume. */
function volumeNameOf({ metadata }: PersistentVolumeClaim): string {
  return `pvc-${metadata.uid}`;
}
