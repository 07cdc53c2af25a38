import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock, Log } from "../../../../base/mod.ts";
import {
  type CSIDriver,
  type Node,
  type PersistentVolume,
  type Pod,
  timeAt,
  type Volume,
} from "../../../../controlplane/api/mod.ts";
import { type Client, isNotFound } from "../../../../controlplane/client/mod.ts";
import { csi } from "../../../../proto/mod.ts";
import { refOf } from "../../pod/pod-ref.ts";
import { giveToGroup } from "../ownership.ts";
import { removeTree } from "../remove-tree.ts";
import type { TokenManager } from "../token-manager.ts";
import { NotAttached, VolumeError } from "../volume-error.ts";
import type { VolumeRecord, VolumeRecords } from "../volume-records.ts";
import { mountCapability } from "./capability.ts";
import { attachmentName, CsiDriver, uniqueName } from "./driver.ts";
import { OneAtATime } from "./one-at-a-time.ts";
import type { Plugin } from "./plugin-watcher.ts";

export interface CsiVolumesOptions {
  readonly rootDir: string;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly nodeName: string;
  readonly records: VolumeRecords;
  /** The node as the API knows it now. */
  readonly node: () => Node | undefined;
  /** Writes the node's status, with what is in use, now. */
  readonly report: () => Promise<void>;
  /** For drivers that act in a pod's name. */
  readonly tokens: Pick<TokenManager, "token">;
}

export interface CsiMount {
  readonly pod: Pod;
  readonly volume: PersistentVolume;
  readonly readOnly: boolean;
}

const rpcs = csi.NodeServiceCapabilityRPCType;
const { methods } = csi.NodeService;

/** Who wants its volumes mounted anew again and again gets that this often. */
export const refreshMs = 30_000;

/** A volume of a driver that was staged: mounted once for all pods of the node. */
interface Staged {
  readonly driver: string;
  readonly volumeHandle: string;
  readonly attachable: boolean;
}

/**
 * Mounts and unmounts the volumes of CSI drivers by their node services (pkg/volume/csi). What a driver may have done is on disk before it is asked:
 * a record for each publication, one for each staged volume. Calls are idempotent by CSI's word, so after a restart they are simply made again.
 */
export class CsiVolumes {
  readonly #options: CsiVolumesOptions;
  readonly #drivers = new Map<string, CsiDriver>();
  readonly #turns = new OneAtATime();
  /** Attachable volumes that pods need, by name, with the pods: the API must not take them away. */
  readonly #inUse = new Map<string, Set<string>>();
  readonly #staged = new Map<string, Staged>();
  /** Staged by this process: no need to ask again. */
  readonly #stagedNow = new Set<string>();
  /** Volumes described in pods, by pod and name, and when they were mounted last. */
  readonly #inline = new Map<string, { readonly path: string; readonly atMs: number }>();

  constructor(options: CsiVolumesOptions) {
    this.#options = options;
    for (const { uid, record } of options.records.all())
      if (record.csi?.attachable) this.#use(uniqueName(record.csi.driver, record.csi.volumeHandle), uid);
    for (const staged of this.#readStaged()) this.#staged.set(uniqueName(staged.driver, staged.volumeHandle), staged);
  }

  /** For the node's status: volumes that may be mounted here, or are about to be. */
  volumesInUse(): string[] {
    const staged = [...this.#staged].filter(([, { attachable }]) => attachable).map(([name]) => name);
    return [...new Set([...this.#inUse.keys(), ...staged])].sort();
  }

  /** Takes a driver into use, and asks it where this node is. */
  async register({ name, endpoint }: Plugin): Promise<csi.NodeGetInfoResponse> {
    const driver = await CsiDriver.open(name, endpoint, this.#options.clock);
    let info: csi.NodeGetInfoResponse;
    try {
      info = await driver.call(methods.nodeGetInfo, {});
      if (info.nodeId === "") throw new Error("the driver gives this node no id");
      this.#drivers.get(name)?.close();
      this.#drivers.set(name, driver);
      this.#options.log("info", "CSI driver registered", { driver: name, endpoint });
    } catch (error) {
      driver.close();
      throw error;
    }
    // Left by a kubelet that was killed between two calls.
    for (const [key, staged] of this.#staged)
      if (staged.driver === name)
        this.#turns.run(key, () => this.#unstageUnused(key)).catch((error: Error) => this.#complain(key, error));
    return info;
  }

  deregister(name: string): void {
    this.#drivers.get(name)?.close();
    this.#drivers.delete(name);
  }

  close(): void {
    for (const driver of this.#drivers.values()) driver.close();
  }

  /** Where the volume is mounted for the pod. Rejects with NotAttached while it is not within the node's reach, with VolumeError else. */
  async mount({ pod, volume, readOnly }: CsiMount): Promise<string> {
    const source = volume.spec?.csi;
    if (source === undefined) throw new VolumeError("the volume is none of a CSI driver");
    const { driver: driverName, volumeHandle } = source;
    const object = await this.#driverObject(driverName);
    const attachable = object?.spec.attachRequired !== false;
    const key = uniqueName(driverName, volumeHandle);
    const publishContext = attachable ? await this.#attached(pod, driverName, volumeHandle) : {};
    return this.#turns.run(key, async () => {
      const driver = this.#need(
        driverName,
        "MountVolume.MountDevice",
        "attacher.MountDevice failed to create newCsiDriverClient",
      );
      const known = await asMount("MountVolume.MountDevice", () => driver.capabilities());
      const group = pod.spec.securityContext?.fsGroup;
      const driverGives = group !== undefined && known.has(rpcs.VOLUME_MOUNT_GROUP);
      const capability = mountCapability(
        volume.spec,
        known.has(rpcs.SINGLE_NODE_MULTI_WRITER),
        driverGives ? group : undefined,
      );
      const request = {
        volumeId: volumeHandle,
        publishContext: csi.toEntries(publishContext),
        volumeCapability: capability,
        stagingTargetPath: known.has(rpcs.STAGE_UNSTAGE_VOLUME) ? this.#stagingPath(driverName, volumeHandle) : "",
      };
      const attributes = source.volumeAttributes ?? {};
      if (request.stagingTargetPath !== "" && !this.#stagedNow.has(key)) {
        this.#noteStaged(key, { driver: driverName, volumeHandle, attachable });
        mkdirSync(request.stagingTargetPath, { recursive: true, mode: 0o750 });
        const secrets = await this.#secrets(source.nodeStageSecretRef);
        await asMount("MountVolume.MountDevice", () =>
          driver.call(methods.nodeStageVolume, { ...request, volumeContext: csi.toEntries(attributes), secrets }),
        );
        this.#stagedNow.add(key);
      }
      const record: VolumeRecord = {
        name: volume.metadata.name ?? "",
        readOnly,
        exclusive: volume.spec?.accessModes?.includes("ReadWriteOncePod") === true,
        csi: { driver: driverName, volumeHandle, attachable },
      };
      this.#options.records.requireFree(refOf(pod).uid, record);
      const target = await this.#publish(driver, refOf(pod).uid, record, {
        ...request,
        readonly: readOnly,
        volumeContext: csi.toEntries({ ...attributes, ...(await this.#aboutPod(pod, object, false)) }),
        secrets: await this.#secrets(source.nodePublishSecretRef),
      });
      if (group !== undefined && !driverGives && !readOnly && givesFiles(object, volume))
        await giveToGroup(target, group, {
          readOnly,
          changePolicy:
            pod.spec.securityContext?.fsGroupChangePolicy === "OnRootMismatch" ? "OnRootMismatch" : "Always",
        });
      return target;
    });
  }

  /** A volume that lives and ends with its pod, described in the pod itself. */
  async mountInline(pod: Pod, { name, csi: source }: Volume): Promise<string> {
    if (source === undefined) throw new VolumeError("the volume is none of a CSI driver");
    const { uid, namespace } = refOf(pod);
    const known = this.#inline.get(`${uid}/${name}`);
    const now = this.#options.clock.monotonic();
    if (known !== undefined && now - known.atMs < refreshMs) return known.path;
    const object = await this.#driverObject(source.driver);
    if (known !== undefined && object?.spec.requiresRepublish !== true) return known.path;
    if (object?.spec.volumeLifecycleModes?.includes("Ephemeral") !== true)
      throw new VolumeError(
        `volume mode "Ephemeral" not supported by driver ${source.driver} (${object === undefined ? "no CSIDriver object" : `only supports ${JSON.stringify(object.spec.volumeLifecycleModes ?? ["Persistent"])}`})`,
        "MountVolume.NewMounter initialization",
      );
    const volumeHandle = `csi-${createHash("sha256").update(`${name}${uid}`).digest("hex")}`;
    const driver = this.#need(source.driver, "MountVolume.SetUp", "mounter.SetUpAt failed to get CSI client");
    const readOnly = source.readOnly === true;
    const record: VolumeRecord = {
      name,
      readOnly,
      exclusive: false,
      csi: { driver: source.driver, volumeHandle, attachable: false },
    };
    const path = await this.#publish(driver, uid, record, {
      volumeId: volumeHandle,
      volumeCapability: mountCapability({ csi: { ...source, volumeHandle } }, false, undefined),
      readonly: readOnly,
      volumeContext: csi.toEntries({ ...source.volumeAttributes, ...(await this.#aboutPod(pod, object, true)) }),
      secrets: await this.#secrets(
        source.nodePublishSecretRef && { namespace, name: source.nodePublishSecretRef.name ?? "" },
      ),
    });
    this.#inline.set(`${uid}/${name}`, { path, atMs: now });
    return path;
  }

  /** Mounts again what is mounted, where the driver asked for that: it renews what is in the volume. */
  async refresh(mount: CsiMount): Promise<void> {
    const object = await this.#driverObject(mount.volume.spec?.csi?.driver ?? "");
    if (object?.spec.requiresRepublish === true) await this.mount(mount);
  }

  /** Has the driver make the file system as large as its volume; undefined: it need not be asked. */
  async expand({ pod, volume, readOnly }: CsiMount, requiredBytes: number): Promise<void> {
    const { driver: driverName = "", volumeHandle = "" } = volume.spec?.csi ?? {};
    const driver = this.#need(driverName, "MountVolume.NodeExpandVolume", "NodeExpandVolume failed to get CSI client");
    const known = await driver.capabilities();
    if (!known.has(rpcs.EXPAND_VOLUME) || readOnly) return;
    await driver.call(methods.nodeExpandVolume, {
      volumeId: volumeHandle,
      volumePath: this.target(refOf(pod).uid, volume.metadata.name ?? ""),
      stagingTargetPath: known.has(rpcs.STAGE_UNSTAGE_VOLUME) ? this.#stagingPath(driverName, volumeHandle) : "",
      capacityRange: { requiredBytes },
      volumeCapability: mountCapability(volume.spec, known.has(rpcs.SINGLE_NODE_MULTI_WRITER), undefined),
    });
  }

  /** Where a driver mounts a volume for a pod. */
  target(uid: string, name: string): string {
    return join(this.#options.records.dir(uid, "csi", name), "mount");
  }

  async #publish(
    driver: CsiDriver,
    uid: string,
    record: VolumeRecord,
    request: Parameters<typeof methods.nodePublishVolume.request.encode>[0],
  ): Promise<string> {
    this.#options.records.write(uid, "csi", record);
    const targetPath = this.target(uid, record.name);
    await asMount("MountVolume.SetUp", () => driver.call(methods.nodePublishVolume, { ...request, targetPath }));
    return targetPath;
  }

  /** Undoes what was done for the pod, and for the node when it was the last pod here. Idempotent. Rejects while the driver does not answer. */
  async unmount(uid: string, { name, csi: source }: VolumeRecord): Promise<void> {
    if (source === undefined) return;
    const key = uniqueName(source.driver, source.volumeHandle);
    await this.#turns.run(key, async () => {
      const driver = this.#need(
        source.driver,
        "UnmountVolume.TearDown",
        "Unmounter.TearDownAt failed to get CSI client",
      );
      const targetPath = this.target(uid, name);
      await driver.call(methods.nodeUnpublishVolume, { volumeId: source.volumeHandle, targetPath });
      removeEmpty(targetPath);
      removeTree(this.#options.records.dir(uid, "csi", name));
      this.#inUse.get(key)?.delete(uid);
      await this.#unstageUnused(key);
    });
  }

  /** The pod has let go of everything: what it only waited for, too. */
  release(uid: string): void {
    for (const key of this.#inline.keys()) if (key.startsWith(`${uid}/`)) this.#inline.delete(key);
    let changed = false;
    for (const [key, users] of this.#inUse) {
      users.delete(uid);
      if (users.size === 0) changed = this.#inUse.delete(key);
    }
    if (changed) this.#options.report().catch((error: Error) => this.#complain("volumesInUse", error));
  }

  async #unstageUnused(key: string): Promise<void> {
    const staged = this.#staged.get(key);
    if (staged === undefined) return;
    const { driver, volumeHandle } = staged;
    const isUsed = this.#options.records
      .all()
      .some(({ record }) => record.csi?.driver === driver && record.csi.volumeHandle === volumeHandle);
    if (isUsed) return;
    const stagingTargetPath = this.#stagingPath(driver, volumeHandle);
    await this.#need(driver, "UnmountDevice", "attacher.UnmountDevice failed to get CSI client").call(
      methods.nodeUnstageVolume,
      { volumeId: volumeHandle, stagingTargetPath },
    );
    removeEmpty(stagingTargetPath);
    removeTree(join(stagingTargetPath, ".."));
    this.#staged.delete(key);
    this.#stagedNow.delete(key);
  }

  /** The node says that it needs the volume, and then waits until it is said to be here; in this order, so that nobody takes it away between. */
  async #attached(pod: Pod, driver: string, volumeHandle: string): Promise<Record<string, string>> {
    const { client, nodeName, node, report } = this.#options;
    const key = uniqueName(driver, volumeHandle);
    const wasInUse = this.#inUse.has(key);
    this.#use(key, refOf(pod).uid);
    if (!wasInUse) await report();
    const isAttached = node()?.status?.volumesAttached?.some(({ name }) => name === key);
    if (isAttached !== true) throw new NotAttached("volume attachment is being created");
    const attachment = await client.volumeAttachments.get(attachmentName(driver, volumeHandle, nodeName));
    if (attachment.status?.attached !== true) throw new NotAttached("volume is not attached");
    return attachment.status.attachmentMetadata ?? {};
  }

  #use(key: string, uid: string): void {
    const users = this.#inUse.get(key) ?? new Set<string>();
    users.add(uid);
    this.#inUse.set(key, users);
  }

  /** What a driver that asks for it is told about the pod it mounts for, with tokens to act in its name. */
  async #aboutPod(pod: Pod, object: CSIDriver | undefined, ephemeral: boolean): Promise<Record<string, string>> {
    const requests = object?.spec.tokenRequests ?? [];
    if (requests.length === 0) return podInfo(pod, object, ephemeral);
    const tokens: Record<string, { token: string; expirationTimestamp: string }> = {};
    for (const { audience = "", expirationSeconds = 3600 } of requests) {
      const request = { audience: audience === "" ? undefined : audience, expirationSeconds };
      const { token, expiresAtMs } = await this.#options.tokens.token(pod, request);
      tokens[audience] = { token, expirationTimestamp: timeAt(expiresAtMs) };
    }
    return { ...podInfo(pod, object, ephemeral), "csi.storage.k8s.io/serviceAccount.tokens": JSON.stringify(tokens) };
  }

  #need(name: string, operation: string, what: string): CsiDriver {
    const driver = this.#drivers.get(name);
    if (driver !== undefined) return driver;
    throw new VolumeError(
      `kubernetes.io/csi: ${what}: driver name ${name} not found in the list of registered CSI drivers`,
      operation,
    );
  }

  async #driverObject(name: string): Promise<CSIDriver | undefined> {
    try {
      return await this.#options.client.csiDrivers.get(name);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Read when it is needed and never kept. */
  async #secrets(reference: { readonly namespace?: string; readonly name?: string } | undefined) {
    if (reference?.name === undefined) return [];
    const { data = {} } = await this.#options.client.secrets.get(reference.namespace, reference.name);
    const decoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]);
    return csi.toEntries(Object.fromEntries(decoded) as Record<string, string>);
  }

  #pluginsDir(): string {
    return join(this.#options.rootDir, "plugins", "kubernetes.io", "csi");
  }

  #stagingPath(driver: string, volumeHandle: string): string {
    const digest = createHash("sha256").update(volumeHandle).digest("hex");
    return join(this.#pluginsDir(), driver, digest, "globalmount");
  }

  #noteStaged(key: string, staged: Staged): void {
    const dir = join(this.#stagingPath(staged.driver, staged.volumeHandle), "..");
    mkdirSync(dir, { recursive: true, mode: 0o750 });
    writeFileSync(join(dir, "vol_data.json"), JSON.stringify(staged));
    this.#staged.set(key, staged);
  }

  #readStaged(): Staged[] {
    const root = this.#pluginsDir();
    if (statSync(root, { throwIfNoEntry: false }) === undefined) return [];
    return readdirSync(root).flatMap((driver) =>
      readdirSync(join(root, driver)).flatMap((digest) => {
        const file = join(root, driver, digest, "vol_data.json");
        if (statSync(file, { throwIfNoEntry: false }) === undefined) return [];
        return [JSON.parse(readFileSync(file, "utf8")) as Staged];
      }),
    );
  }

  #complain(key: string, error: Error): void {
    this.#options.log("warn", "what a volume left could not be cleaned up", { volume: key, error: error.message });
  }
}

async function asMount<T>(operation: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw new VolumeError((error as Error).message, operation, { cause: error });
  }
}

/** A driver removes the directory it mounted at, or leaves it empty: anything else is not ours to remove. */
function removeEmpty(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) rmSync(path);
  else if (statSync(path, { throwIfNoEntry: false }) !== undefined) rmdirSync(path);
}

function podInfo(pod: Pod, object: CSIDriver | undefined, ephemeral: boolean): Record<string, string> {
  if (object?.spec.podInfoOnMount !== true) return ephemeral ? { "csi.storage.k8s.io/ephemeral": "true" } : {};
  const { name, namespace, uid } = refOf(pod);
  return {
    "csi.storage.k8s.io/pod.name": name,
    "csi.storage.k8s.io/pod.namespace": namespace,
    "csi.storage.k8s.io/pod.uid": uid,
    "csi.storage.k8s.io/serviceAccount.name": pod.spec.serviceAccountName ?? "",
    "csi.storage.k8s.io/ephemeral": `${ephemeral}`,
  };
}

/** Whether the kubelet may change who owns the files of the driver's volumes. */
function givesFiles(object: CSIDriver | undefined, { spec }: PersistentVolume): boolean {
  switch (object?.spec.fsGroupPolicy) {
    case "None":
      return false;
    case "File":
      return true;
    default:
      return (
        spec?.csi?.fsType !== undefined &&
        spec.csi.fsType !== "" &&
        spec.accessModes?.includes("ReadWriteOnce") === true
      );
  }
}
