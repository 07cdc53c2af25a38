import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  status as grpcStatus,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { csi, type Init, type Method } from "../../../proto/mod.ts";
import type { PersistentVolumeClaim, StorageClass } from "../../api/mod.ts";
import { settle } from "../../client/elapse.testing.ts";
import { isNotFound } from "../../client/mod.ts";
import { AttachDetachController } from "../attachdetach/controller.ts";
import { TestCluster } from "../common/cluster.testing.ts";
import type { Controller, ControllerContext } from "../common/controller.ts";
import { PersistentVolumeBinder } from "../persistentvolume/controller.ts";
import { attachCapability, capabilities } from "./capability.ts";
import { secretFor } from "./class-parameters.ts";
import { runCsiDriver } from "./run.ts";
import { affinityOf, requirementFor } from "./topology.ts";

const driverName = "disks.example.com";

/** A storage driver of the test's own, behind a real socket: it keeps volumes in memory, and can be told to fail. */
class TestDriver {
  readonly volumes = new Map<string, { bytes: number; nodes: Set<string>; parameters: Record<string, string> }>();
  readonly secrets: Record<string, string>[] = [];
  /** By method: what the next calls are refused with. */
  readonly failures = new Map<string, grpcStatus>();
  nodeExpansionRequired = false;
  readonly #server = new Server();

  async listen(path: string): Promise<void> {
    const { identity, controller } = {
      identity: csi.IdentityService.methods,
      controller: csi.ControllerService.methods,
    };
    this.#serve(identity.getPluginInfo, () => ({ name: driverName }));
    this.#serve(identity.getPluginCapabilities, () => ({
      capabilities: [{ service: { type: csi.PluginCapabilityServiceType.CONTROLLER_SERVICE } }],
    }));
    const types = csi.ControllerServiceCapabilityRPCType;
    this.#serve(controller.controllerGetCapabilities, () => ({
      capabilities: [types.CREATE_DELETE_VOLUME, types.PUBLISH_UNPUBLISH_VOLUME, types.EXPAND_VOLUME].map((type) => ({
        rpc: { type },
      })),
    }));
    this.#serve(controller.createVolume, ({ name, capacityRange, parameters, secrets }) => {
      const bytes = capacityRange?.requiredBytes ?? 0;
      this.volumes.set(name, { bytes, nodes: new Set(), parameters: csi.fromEntries(parameters) });
      this.secrets.push(csi.fromEntries(secrets));
      const volumeContext = csi.toEntries({ shelf: "7" });
      return { volume: { volumeId: name, capacityBytes: bytes, volumeContext } };
    });
    this.#serve(controller.deleteVolume, ({ volumeId }) => {
      this.volumes.delete(volumeId);
      return {};
    });
    this.#serve(controller.controllerPublishVolume, ({ volumeId, nodeId }) => {
      this.volumes.get(volumeId)?.nodes.add(nodeId);
      return { publishContext: csi.toEntries({ device: "/dev/sdx" }) };
    });
    this.#serve(controller.controllerUnpublishVolume, ({ volumeId, nodeId }) => {
      this.volumes.get(volumeId)?.nodes.delete(nodeId);
      return {};
    });
    this.#serve(controller.controllerExpandVolume, ({ volumeId, capacityRange }) => {
      const volume = this.volumes.get(volumeId);
      const capacityBytes = capacityRange?.requiredBytes ?? 0;
      if (volume !== undefined) volume.bytes = capacityBytes;
      return { capacityBytes, nodeExpansionRequired: this.nodeExpansionRequired };
    });
    await new Promise<void>((resolve, reject) =>
      this.#server.bindAsync(`unix://${path}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      ),
    );
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  #serve<A, B>(method: Method<A, B, "unary">, handler: (request: A) => Init<B>): void {
    const handle: handleUnaryCall<A, Init<B>> = ({ request }, done) => {
      const code = this.failures.get(method.name);
      if (code === undefined) done(null, handler(request));
      else done({ code, details: "no room on the shelf" });
    };
    this.#server.register(
      method.path,
      handle as UntypedHandleCall as never,
      (response: Init<B>) => Buffer.from(method.response.encode(response)),
      (bytes: Buffer) => method.request.decode(bytes),
      "unary",
    );
  }
}

/** The driver, as one of the cluster's controllers. */
function asController(context: ControllerContext, endpoint: string): Controller {
  const binder = new PersistentVolumeBinder(context);
  const run = async (signal: AbortSignal) => {
    await Promise.all([binder.run(signal), runCsiDriver(context, { name: driverName, endpoint }, signal)]);
  };
  return { name: binder.name, workers: 1, queue: binder.queue, reconcile: binder.reconcile.bind(binder), run };
}

let cluster: TestCluster;
let driver: TestDriver;
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "csi-"));
  driver = new TestDriver();
  await driver.listen(join(directory, "csi.sock"));
  cluster = new TestCluster();
  await cluster.start((context) => [
    asController(context, `unix://${directory}/csi.sock`),
    new AttachDetachController(context),
  ]);
  await cluster.client.nodes.create({ metadata: { name: "n1" }, spec: {}, status: {} });
  await cluster.client.csiNodes.create({
    metadata: { name: "n1" },
    spec: { drivers: [{ name: driverName, nodeID: "node-one" }] },
  });
});
afterEach(async () => {
  await cluster.stop();
  driver.stop();
  await rm(directory, { recursive: true });
});

/** Calls go over a real socket: time passes for them, not by the clock of the test. */
async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    await settle();
    const seen = await look();
    if (seen !== undefined) return seen;
    cluster.clock.advance(10);
  }
}

const storageClass: StorageClass = {
  metadata: { name: "shelf" },
  provisioner: driverName,
  reclaimPolicy: "Delete",
  parameters: { speed: "high", "csi.storage.k8s.io/fstype": "xfs" },
};

async function claimed(of: StorageClass = storageClass): Promise<PersistentVolumeClaim> {
  await cluster.client.storageClasses.create(structuredClone(of));
  await settle();
  return cluster.client.persistentVolumeClaims.create({
    metadata: { name: "c", namespace: "default" },
    spec: { storageClassName: "shelf", accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    status: { phase: "Pending" },
  });
}

async function bound(): Promise<string> {
  return eventually(async () => {
    const { spec, status } = await cluster.client.persistentVolumeClaims.get("default", "c");
    return status?.phase === "Bound" ? spec?.volumeName : undefined;
  });
}

test("a claim is provisioned by the driver, bound, and its volume deleted with it", async () => {
  const { metadata } = await claimed();
  const name = await bound();
  expect(name).toBe(`pvc-${metadata.uid}`);
  expect(await cluster.client.persistentVolumes.get(name)).toMatchObject({
    metadata: {
      annotations: { "pv.kubernetes.io/provisioned-by": driverName },
      finalizers: ["external-provisioner.volume.kubernetes.io/finalizer"],
    },
    spec: {
      capacity: { storage: "1Gi" },
      storageClassName: "shelf",
      csi: { driver: driverName, volumeHandle: name, fsType: "xfs", volumeAttributes: { shelf: "7" } },
    },
  });
  expect(driver.volumes.get(name)?.parameters, "what is ours is not the driver's").toEqual({ speed: "high" });
  await cluster.client.persistentVolumeClaims.delete("default", "c");
  await eventually(async () => {
    const gone = await cluster.client.persistentVolumes.get(name).then(
      () => undefined,
      (error: unknown) => (isNotFound(error) ? true : undefined),
    );
    return gone;
  });
  expect(driver.volumes.size).toBe(0);
});

test("a driver that has no room says so, is asked again, and makes one volume in the end", async () => {
  driver.failures.set("CreateVolume", grpcStatus.INTERNAL);
  await claimed();
  const said = await eventually(async () =>
    (await cluster.eventsAbout("c")).find((event) => event.startsWith("ProvisioningFailed")),
  );
  expect(said).toContain("no room on the shelf");
  driver.failures.clear();
  await bound();
  expect(driver.volumes.size).toBe(1);
});

test("a Secret that the class names reaches the driver", async () => {
  await cluster.client.secrets.create({
    metadata: { name: "key-of-c", namespace: "vault" },
    data: { password: Buffer.from("x").toString("base64") },
  });
  await claimed({
    ...storageClass,
    parameters: {
      "csi.storage.k8s.io/provisioner-secret-name": `key-of-\${pvc.name}`,
      "csi.storage.k8s.io/provisioner-secret-namespace": "vault",
    },
  });
  await bound();
  expect(driver.secrets).toEqual([{ password: "x" }]);
});

test("a pod's volume is attached to its node and detached after it, also past a failure", async () => {
  await claimed();
  const name = await bound();
  driver.failures.set("ControllerPublishVolume", grpcStatus.UNAVAILABLE);
  await cluster.client.pods.create({
    metadata: { name: "web", namespace: "default" },
    spec: { nodeName: "n1", containers: [], volumes: [{ name: "d", persistentVolumeClaim: { claimName: "c" } }] },
  });
  const attachment = async () => (await cluster.client.volumeAttachments.list()).items[0];
  const failed = await eventually(async () => (await attachment())?.status?.attachError?.message);
  expect(failed).toContain("no room on the shelf");
  driver.failures.clear();
  const { metadata, status } = await eventually(async () => {
    const current = await attachment();
    return current?.status?.attached === true ? current : undefined;
  });
  expect(status).toEqual({ attached: true, attachmentMetadata: { device: "/dev/sdx" } });
  expect(metadata.finalizers).toEqual(["external-attacher/disks-example-com"]);
  expect(driver.volumes.get(name)?.nodes).toEqual(new Set(["node-one"]));
  await cluster.client.pods.delete("default", "web", { gracePeriodSeconds: 0 });
  await eventually(async () => ((await attachment()) === undefined ? true : undefined));
  expect(driver.volumes.get(name)?.nodes).toEqual(new Set());
});

describe("a claim that asks for more", () => {
  async function ask(): Promise<void> {
    await claimed();
    await bound();
    const claim = await eventually(async () => {
      const current = await cluster.client.persistentVolumeClaims.get("default", "c");
      return current.status?.capacity?.storage === "1Gi" ? current : undefined;
    });
    const resources = { requests: { storage: "2Gi" } };
    await cluster.client.persistentVolumeClaims.update({ ...claim, spec: { ...claim.spec, resources } });
  }

  const claimStatus = async () => (await cluster.client.persistentVolumeClaims.get("default", "c")).status;

  test("gets it when the driver is done", async () => {
    await ask();
    const status = await eventually(async () => {
      const current = await claimStatus();
      return current?.capacity?.storage === "2Gi" ? current : undefined;
    });
    expect(status.conditions).toEqual([]);
    expect([...driver.volumes.values()][0]?.bytes).toBe(2 ** 31);
  });

  test("waits for its node where the driver says that the file system has to follow", async () => {
    driver.nodeExpansionRequired = true;
    await ask();
    const status = await eventually(async () => {
      const current = await claimStatus();
      return current?.conditions?.some(({ type }) => type === "FileSystemResizePending") ? current : undefined;
    });
    expect(status).toMatchObject({
      capacity: { storage: "1Gi" },
      allocatedResourceStatuses: { storage: "NodeResizePending" },
    });
  });
});

describe("in the words of CSI", () => {
  const access = {
    accessModes: ["ReadWriteOnce", "ReadOnlyMany"],
    volumeMode: undefined,
    fsType: "ext4",
    mountFlags: [],
  };
  const modes = csi.VolumeCapabilityAccessModeMode;

  test("each access mode is a capability, and a volume is attached for the widest", () => {
    expect(capabilities(access, false).map(({ accessMode }) => accessMode?.mode)).toEqual([
      modes.SINGLE_NODE_WRITER,
      modes.MULTI_NODE_READER_ONLY,
    ]);
    expect(attachCapability(access, false)).toMatchObject({ accessMode: { mode: modes.MULTI_NODE_READER_ONLY } });
    expect(capabilities({ ...access, volumeMode: "Block" }, true)[0]).toMatchObject({
      block: {},
      accessMode: { mode: modes.SINGLE_NODE_MULTI_WRITER },
    });
  });

  const node = (name: string, zone: string) => ({ metadata: { name, labels: { zone } }, spec: {} });
  const nodes = [node("n1", "a"), node("n2", "b"), node("n3", "b")];
  const csiNodeOf = (name: string) => ({
    metadata: { name },
    spec: { drivers: [{ name: driverName, nodeID: name, topologyKeys: ["zone"] }] },
  });
  const zone = (value: string) => ({ segments: [{ key: "zone", value }] });

  test("the chosen node's zone comes first, every zone once", () => {
    expect(requirementFor(driverName, "n2", nodes, csiNodeOf, undefined)).toEqual({
      requisite: [zone("a"), zone("b")],
      preferred: [zone("b"), zone("a")],
    });
  });

  test("a class may allow some zones only", () => {
    const allowed = [{ matchLabelExpressions: [{ key: "zone", values: ["a"] }] }];
    expect(requirementFor(driverName, undefined, nodes, csiNodeOf, allowed)?.requisite).toEqual([zone("a")]);
    expect(requirementFor(driverName, "n2", nodes, csiNodeOf, allowed)).toBeUndefined();
  });

  test("where a volume is becomes the nodes it can be reached from", () => {
    expect(affinityOf([zone("a")])).toEqual({
      nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "In", values: ["a"] }] }],
    });
    expect(affinityOf([])).toBeUndefined();
  });
});

test("names of Secrets follow the claim, and nothing else", () => {
  const claim = { metadata: { name: "c", namespace: "ns", annotations: { team: "blue" } }, spec: {} };
  const of = (name: string) =>
    secretFor(
      {
        ...storageClass,
        parameters: {
          "csi.storage.k8s.io/node-stage-secret-name": name,
          "csi.storage.k8s.io/node-stage-secret-namespace": `\${pvc.namespace}`,
        },
      },
      "node-stage",
      claim,
      "pvc-1",
    );
  expect(of(`\${pvc.annotations['team']}-\${pv.name}`)).toEqual({ name: "blue-pvc-1", namespace: "ns" });
  expect(() => of(`\${pod.name}`)).toThrow("cannot resolve");
});
