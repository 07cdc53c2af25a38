import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  status as grpcStatus,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { seededRandom, VirtualClock } from "../../../../base/mod.ts";
import type { Node, PersistentVolume, Pod } from "../../../../controlplane/api/mod.ts";
import { FakeApiServer } from "../../../../controlplane/client/fake.testing.ts";
import { csi, type Init, type Method, pluginregistration as registration } from "../../../../proto/mod.ts";
import { pod } from "../../pod/pod.testing.ts";
import { NotAttached } from "../volume-error.ts";
import { VolumeRecords } from "../volume-records.ts";
import { CsiDrivers } from "./csi-drivers.ts";
import { CsiVolumes } from "./csi-volumes.ts";
import { attachmentName } from "./driver.ts";

const driverName = "disks.example.com";
const uniqueName = `kubernetes.io/csi/${driverName}^disk-1`;
const { methods } = csi.NodeService;

/** A node service that makes directories instead of mounts and writes down what it was asked. */
class FakeDriver {
  readonly calls: string[] = [];
  readonly failures = new Map<string, string>();
  /** What it was told with the last publication. */
  context: Record<string, string> = {};
  readonly #server = new Server();

  async listen(path: string): Promise<void> {
    const types = csi.NodeServiceCapabilityRPCType;
    this.#serve(methods.nodeGetInfo, () => ({
      nodeId: "id-of-n1",
      accessibleTopology: { segments: csi.toEntries({ "disks.example.com/rack": "r1" }) },
    }));
    this.#serve(methods.nodeGetCapabilities, () => ({ capabilities: [{ rpc: { type: types.STAGE_UNSTAGE_VOLUME } }] }));
    this.#serve(methods.nodeStageVolume, ({ publishContext }) => {
      this.calls.push(`stage ${csi.fromEntries(publishContext).device ?? ""}`);
      return {};
    });
    this.#serve(methods.nodePublishVolume, ({ targetPath, volumeContext }) => {
      this.context = csi.fromEntries(volumeContext);
      mkdirSync(targetPath, { recursive: true });
      this.calls.push(`publish ${uidIn(targetPath)}`);
      return {};
    });
    this.#serve(methods.nodeUnpublishVolume, ({ targetPath }) => {
      if (existsSync(targetPath)) rmdirSync(targetPath);
      this.calls.push(`unpublish ${uidIn(targetPath)}`);
      return {};
    });
    this.#serve(methods.nodeUnstageVolume, () => {
      this.calls.push("unstage");
      return {};
    });
    const { getInfo, notifyRegistrationStatus } = registration.RegistrationService.methods;
    const info = { type: "CSIPlugin", name: driverName, endpoint: path, supportedVersions: ["1.0.0"] };
    this.#serve(getInfo, () => info);
    this.#serve(notifyRegistrationStatus, ({ pluginRegistered, error }) => {
      this.calls.push(pluginRegistered ? "registered" : `refused: ${error}`);
      return {};
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.bindAsync(`unix://${path}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
    await promise;
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  #serve<A, B>(method: Method<A, B, "unary">, handler: (request: A) => Init<B>): void {
    const handle: handleUnaryCall<A, Init<B>> = ({ request }, done) => {
      const failure = this.failures.get(method.name);
      if (failure === undefined) done(null, handler(request));
      else done({ code: grpcStatus.INTERNAL, details: failure });
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

const uidIn = (path: string) => /pods\/([^/]+)\//.exec(path)?.[1] ?? "";

const clock = new VirtualClock(0);
let [rootDir, socket] = ["", ""];
let server: FakeApiServer;
let driver: FakeDriver;
let node: Node;
const reported: string[][] = [];
const opened: CsiVolumes[] = [];

beforeEach(async () => {
  rootDir = mkdtempSync(join(tmpdir(), "flotilla-csi-"));
  socket = join(rootDir, "csi.sock");
  server = new FakeApiServer(clock);
  driver = new FakeDriver();
  await driver.listen(socket);
  node = { metadata: { name: "n1" }, spec: {}, status: {} };
  reported.length = 0;
});
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
  driver.stop();
  rmSync(rootDir, { recursive: true, force: true });
});

const client = () => server.client({ random: seededRandom(1) });

/** A kubelet's part; the second in a test is that of a kubelet that was started anew. */
function kubelet(): CsiVolumes {
  const volumes: CsiVolumes = new CsiVolumes({
    rootDir,
    client: client(),
    clock,
    log: () => undefined,
    nodeName: "n1",
    records: new VolumeRecords(rootDir),
    node: () => node,
    tokens: {
      token: async (_, { audience }) => ({ token: `for ${audience}`, refreshAtMs: 0, expiresAtMs: 3_600_000 }),
    },
    report: async () => void reported.push(volumes.volumesInUse()),
  });
  opened.push(volumes);
  return volumes;
}

const plugin = () => ({ name: driverName, endpoint: `unix://${socket}` });
const of = (uid: string): Pod => pod({}, { uid });
const disk = (accessMode = "ReadWriteOnce"): PersistentVolume => ({
  metadata: { name: "pv" },
  spec: { accessModes: [accessMode], csi: { driver: driverName, volumeHandle: "disk-1" } },
});

async function attach(): Promise<void> {
  node = { ...node, status: { volumesAttached: [{ name: uniqueName, devicePath: "" }] } };
  await client().volumeAttachments.create({
    metadata: { name: attachmentName(driverName, "disk-1", "n1") },
    spec: { attacher: driverName, nodeName: "n1", source: { persistentVolumeName: "pv" } },
    status: { attached: true, attachmentMetadata: { device: "/dev/sdx" } },
  });
}

async function unmount(volumes: CsiVolumes, uid: string): Promise<void> {
  for (const record of new VolumeRecords(rootDir).ofPod(uid)) await volumes.unmount(uid, record);
  volumes.release(uid);
}

test("a volume is said to be in use before it is waited for, and mounted when it is attached", async () => {
  const volumes = kubelet();
  await volumes.register(plugin());
  const mount = () => volumes.mount({ pod: of("u1"), volume: disk(), readOnly: false });
  await expect(mount()).rejects.toBeInstanceOf(NotAttached);
  expect(reported).toEqual([[uniqueName]]);
  expect(driver.calls).toEqual([]);
  await attach();
  expect(existsSync(await mount())).toBe(true);
  expect(driver.calls).toEqual(["stage /dev/sdx", "publish u1"]);
});

test("a pod that only waited for its volume lets go of it", async () => {
  const volumes = kubelet();
  await volumes.register(plugin());
  await expect(volumes.mount({ pod: of("u1"), volume: disk(), readOnly: false })).rejects.toThrow();
  volumes.release("u1");
  expect(volumes.volumesInUse()).toEqual([]);
});

describe("attached,", () => {
  beforeEach(attach);

  test("a volume is staged once for all pods, and unstaged after the last", async () => {
    const volumes = kubelet();
    await volumes.register(plugin());
    for (const uid of ["u1", "u2"]) await volumes.mount({ pod: of(uid), volume: disk(), readOnly: false });
    await unmount(volumes, "u1");
    expect(volumes.volumesInUse()).toEqual([uniqueName]);
    await unmount(volumes, "u2");
    expect(driver.calls).toEqual([
      "stage /dev/sdx",
      "publish u1",
      "publish u2",
      "unpublish u1",
      "unpublish u2",
      "unstage",
    ]);
    expect(volumes.volumesInUse()).toEqual([]);
  });

  test("of two pods that want a volume for themselves at the same moment, one gets it", async () => {
    const volumes = kubelet();
    await volumes.register(plugin());
    const wishes = ["u1", "u2"].map((uid) =>
      volumes.mount({ pod: of(uid), volume: disk("ReadWriteOncePod"), readOnly: false }),
    );
    const outcomes = await Promise.allSettled(wishes);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(driver.calls.filter((call) => call.startsWith("publish"))).toHaveLength(1);
  });

  test("while the driver is away nothing is forgotten", async () => {
    const volumes = kubelet();
    await volumes.register(plugin());
    await volumes.mount({ pod: of("u1"), volume: disk(), readOnly: false });
    volumes.deregister(driverName);
    await expect(unmount(volumes, "u1")).rejects.toThrow(`driver name ${driverName} not found`);
    expect(volumes.volumesInUse()).toEqual([uniqueName]);
    await volumes.register(plugin());
    await unmount(volumes, "u1");
    expect(driver.calls.slice(-2)).toEqual(["unpublish u1", "unstage"]);
  });

  test("a kubelet that starts anew knows what is mounted, and lets go of it", async () => {
    const before = kubelet();
    await before.register(plugin());
    await before.mount({ pod: of("u1"), volume: disk(), readOnly: false });
    const after = kubelet();
    expect(after.volumesInUse()).toEqual([uniqueName]);
    await after.register(plugin());
    await unmount(after, "u1");
    expect(driver.calls.slice(-2)).toEqual(["unpublish u1", "unstage"]);
    expect(after.volumesInUse()).toEqual([]);
  });

  test("a kubelet that was killed between unpublishing and unstaging unstages when the driver is back", async () => {
    const before = kubelet();
    await before.register(plugin());
    await before.mount({ pod: of("u1"), volume: disk(), readOnly: false });
    driver.failures.set("NodeUnstageVolume", "not now");
    await expect(unmount(before, "u1")).rejects.toThrow("rpc error: code = Internal desc = not now");
    driver.failures.clear();
    const after = kubelet();
    await after.register(plugin());
    await vi.waitFor(() => expect(driver.calls.at(-1)).toBe("unstage"));
    await vi.waitFor(() => expect(after.volumesInUse()).toEqual([]));
  });
});

test("a volume described in the pod is its driver's to fill, in the pod's name, again and again", async () => {
  const volumes = kubelet();
  await volumes.register(plugin());
  const inline = { name: "v", csi: { driver: driverName, volumeAttributes: { secret: "db" } } };
  await expect(volumes.mountInline(of("u1"), inline)).rejects.toThrow('volume mode "Ephemeral" not supported');
  await client().csiDrivers.create({
    metadata: { name: driverName },
    spec: {
      volumeLifecycleModes: ["Ephemeral"],
      podInfoOnMount: true,
      requiresRepublish: true,
      tokenRequests: [{ audience: "vault" }],
    },
  });
  const mount = () => volumes.mountInline(of("u1"), inline);
  await mount();
  await mount();
  expect(driver.context).toEqual({
    secret: "db",
    "csi.storage.k8s.io/ephemeral": "true",
    "csi.storage.k8s.io/pod.name": "web",
    "csi.storage.k8s.io/pod.namespace": "default",
    "csi.storage.k8s.io/pod.uid": "u1",
    "csi.storage.k8s.io/serviceAccount.name": "",
    "csi.storage.k8s.io/serviceAccount.tokens":
      '{"vault":{"token":"for vault","expirationTimestamp":"1970-01-01T01:00:00Z"}}',
  });
  clock.advance(30_000);
  await mount();
  await unmount(volumes, "u1");
  expect(driver.calls).toEqual(["publish u1", "publish u1", "unpublish u1"]);
});

test("a driver is found by its socket, stands in the node's CSINode, and is struck off when the socket goes", async () => {
  await client().nodes.create(node);
  const log = () => undefined;
  const drivers = new CsiDrivers({ client: client(), clock, log, nodeName: "n1", rootDir, volumes: kubelet() });
  drivers.start(await client().nodes.get("n1"));
  const registered = new FakeDriver();
  await registered.listen(join(rootDir, "plugins_registry", "disks-reg.sock"));
  try {
    const told = async () => (await client().csiNodes.get("n1")).spec.drivers;
    await vi.waitFor(() => expect(registered.calls).toEqual(["registered"]));
    expect(await told()).toEqual([{ name: driverName, nodeID: "id-of-n1", topologyKeys: ["disks.example.com/rack"] }]);
    const { labels, annotations } = (await client().nodes.get("n1")).metadata;
    expect(labels).toEqual({ "disks.example.com/rack": "r1" });
    expect(annotations).toEqual({ "csi.volume.kubernetes.io/nodeid": `{"${driverName}":"id-of-n1"}` });
    rmSync(join(rootDir, "plugins_registry", "disks-reg.sock"));
    await vi.waitFor(async () => expect(await told()).toEqual([]));
  } finally {
    drivers.stop();
    registered.stop();
  }
});
