// Volumes as users meet them: real processes, real kubectl, a CSI driver behind real sockets.
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildImage, writeLayout } from "../dataplane/kubelet/mod.ts";
import { TestCluster } from "./support/cluster.ts";
import { driverName, TestCsiDriver } from "./support/csi-driver.ts";
import { eventually } from "./support/eventually.ts";

interface Claim {
  metadata: { finalizers?: string[]; deletionTimestamp?: string };
  spec: { volumeName?: string };
  status: { phase: string; capacity?: { storage: string }; conditions?: unknown[] };
}
interface Volume {
  metadata: { name: string };
  spec: { local?: { path: string }; csi?: { volumeHandle: string } };
  status: { phase: string };
}
interface Pod {
  spec: { nodeName?: string };
  status: { phase: string; conditions?: { type: string; status: string }[] };
}

const cluster = new TestCluster();
const driver = new TestCsiDriver();
const kubectl = (...args: string[]) => cluster.kubectl(...args);
const nodeDir = (name: string) => join(cluster.root, "nodes", name);
const nodes = ["node-1", "node-2"].map((name) => ({ name, rootDir: nodeDir(name) }));

beforeAll(async () => {
  await cluster.up("--members", "1");
});
afterAll(async () => {
  await driver.stop();
  await cluster.remove();
});

const claim = (name: string, spec: Record<string, unknown> = {}) => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
});

/** A pod that runs a script and then waits; `volume` is mounted at /data. */
function pod(name: string, volume: Record<string, unknown>, script = "true", change: Record<string, unknown> = {}) {
  const { mounts = [{ name: "data", mountPath: "/data" }], ...spec } = change;
  const command = ["sh", "-c", `${script}; touch /tmp/done; exec sleep 1000`];
  const readinessProbe = { exec: { command: ["test", "-e", "/tmp/done"] }, periodSeconds: 1 };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "c", image: "host", command, readinessProbe, volumeMounts: mounts }],
      volumes: [{ name: "data", ...volume }],
      ...spec,
    },
  };
}

const of = (claimName: string) => ({ persistentVolumeClaim: { claimName } });
const apply = (...objects: object[]) => cluster.apply(objects.map((one) => JSON.stringify(one)).join("\n---\n"));
const ready = (name: string) => kubectl("wait", "--for=condition=Ready", `pod/${name}`, "--timeout=30s");
const getClaim = (name: string) => cluster.get<Claim>("pvc", name);
const volumeOf = async (name: string) => cluster.get<Volume>("pv", (await getClaim(name)).spec.volumeName ?? "");
const gone = (what: string, name: string) =>
  eventually(`${what} ${name} is gone`, async () => (await cluster.tryKubectl(["get", what, name])).code !== 0);
const events = async (name: string) =>
  (
    await cluster.get<{ items: { reason: string; message: string }[] }>(
      "events",
      "--field-selector",
      `involvedObject.name=${name}`,
    )
  ).items.map(({ reason, message }) => `${reason}: ${message}`);
const saying = (name: string, text: string) =>
  eventually(`${name} says "${text}"`, async () => {
    const said = await events(name);
    return said.some((one) => one.includes(text)) ? true : Promise.reject(new Error(said.join("; ")));
  });
const volumeMounts = () =>
  readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((path) => nodes.some(({ rootDir }) => path.startsWith(`${rootDir}/p`)));

describe("the class standard", () => {
  test("makes a volume where the first pod runs, keeps it while it is used, lets it grow, and takes it away", async () => {
    await apply(claim("files"));
    await saying("files", "WaitForFirstConsumer: waiting for first consumer to be created before binding");
    await apply(pod("user", of("files"), "echo kept > /data/word"));
    await ready("user");
    const volume = await volumeOf("files");
    const path = volume.spec.local?.path ?? "";
    const { nodeName } = (await cluster.get<Pod>("pod", "user")).spec;
    expect(path.startsWith(nodeDir(nodeName ?? ""))).toBe(true);
    expect(readFileSync(join(path, "word"), "utf8")).toBe("kept\n");
    expect(await events("files")).toContain(
      `ProvisioningSucceeded: Successfully provisioned volume ${volume.metadata.name}`,
    );

    await kubectl("patch", "pvc", "files", "-p", '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}');
    await eventually("the claim has grown", async () => {
      const { capacity, conditions = [] } = (await getClaim("files")).status;
      return capacity?.storage === "2Gi" && conditions.length === 0;
    });

    await kubectl("delete", "pvc", "files", "--wait=false");
    expect((await getClaim("files")).metadata).toMatchObject({
      finalizers: ["kubernetes.io/pvc-protection"],
      deletionTimestamp: expect.any(String),
    });
    expect(existsSync(path)).toBe(true);
    await kubectl("delete", "pod", "user");
    await gone("pvc", "files");
    await gone("pv", volume.metadata.name);
    expect(existsSync(path)).toBe(false);
  });

  test("a pod that comes later follows its data", async () => {
    await apply(claim("sticky"), pod("first", of("sticky"), "echo data > /data/word", { nodeName: undefined }));
    await ready("first");
    const { nodeName } = (await cluster.get<Pod>("pod", "first")).spec;
    await kubectl("delete", "pod", "first");
    await apply(pod("second", of("sticky"), "cat /data/word"));
    await ready("second");
    expect((await cluster.get<Pod>("pod", "second")).spec.nodeName).toBe(nodeName);
    expect(await kubectl("logs", "second")).toBe("data\n");
    await kubectl("delete", "pod", "second");
    await kubectl("delete", "pvc", "sticky");
  });

  test("with reclaimPolicy Retain the data outlives claim and volume", async () => {
    await apply(
      {
        apiVersion: "storage.k8s.io/v1",
        kind: "StorageClass",
        metadata: { name: "kept" },
        provisioner: "flotilla.dev/local",
        reclaimPolicy: "Retain",
        volumeBindingMode: "Immediate",
      },
      claim("archive", { storageClassName: "kept" }),
      pod("archivist", of("archive"), "echo old > /data/word"),
    );
    await ready("archivist");
    const volume = await volumeOf("archive");
    await kubectl("delete", "pod", "archivist");
    await kubectl("delete", "pvc", "archive");
    await eventually(
      "the volume is released",
      async () => (await cluster.get<Volume>("pv", volume.metadata.name)).status.phase === "Released",
    );
    await kubectl("delete", "pv", volume.metadata.name);
    expect(readFileSync(join(volume.spec.local?.path ?? "", "word"), "utf8")).toBe("old\n");
  });
});

describe("volumes made by hand", () => {
  test("a local one takes its pods to its node", async () => {
    const path = join(nodeDir("node-2"), "disk-1");
    mkdirSync(path);
    await apply(
      {
        apiVersion: "v1",
        kind: "PersistentVolume",
        metadata: { name: "disk-1" },
        spec: {
          capacity: { storage: "5Gi" },
          accessModes: ["ReadWriteOnce"],
          storageClassName: "disks",
          persistentVolumeReclaimPolicy: "Retain",
          local: { path },
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [
                { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["node-2"] }] },
              ],
            },
          },
        },
      },
      claim("disk", { storageClassName: "disks" }),
      pod(
        "pinned",
        { persistentVolumeClaim: { claimName: "disk", readOnly: true } },
        "touch /data/x || echo read-only",
      ),
    );
    await ready("pinned");
    expect((await cluster.get<Pod>("pod", "pinned")).spec.nodeName).toBe("node-2");
    expect(await kubectl("logs", "pinned")).toContain("read-only");
  });
});

describe("volumes that live with their pod", () => {
  beforeAll(() => apply(pod("greedy", { emptyDir: { sizeLimit: "1Mi" } }, "head -c 3000000 /dev/zero > /data/file")));

  test("an ephemeral one has a claim of its own, which goes with the pod", async () => {
    const volumeClaimTemplate = { spec: claim("x").spec };
    await apply(pod("short-lived", { ephemeral: { volumeClaimTemplate } }, "echo scratch > /data/word"));
    await ready("short-lived");
    const volume = await volumeOf("short-lived-data");
    await kubectl("delete", "pod", "short-lived");
    await gone("pvc", "short-lived-data");
    await gone("pv", volume.metadata.name);
  });

  test("memory, parts of a volume by fixed and by computed name, and nothing left of them", async () => {
    const mounts = [
      { name: "data", mountPath: "/data" },
      { name: "data", mountPath: "/part", subPath: "a/b" },
      { name: "data", mountPath: "/mine", subPathExpr: "$(POD)" },
    ];
    const env = [{ name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }];
    const script = `stat -f -c '%T %b %S' /data; echo part > /part/f; echo mine > /mine/f; cd /data; cat a/b/f memory/f`;
    const made = pod("scratch", { emptyDir: { medium: "Memory", sizeLimit: "1Mi" } }, script, { mounts });
    Object.assign(made.spec.containers[0] ?? {}, { env });
    made.metadata.name = "memory";
    await apply(made);
    await ready("memory");
    const [first = "", ...rest] = (await kubectl("logs", "memory")).trim().split("\n");
    const [type, blocks, size] = first.split(" ");
    expect(type).toBe("tmpfs");
    expect(Number(blocks) * Number(size)).toBe(2 ** 20);
    expect(rest).toEqual(["part", "mine"]);
    await kubectl("delete", "pod", "memory");
    await eventually("nothing is mounted any more", () => volumeMounts().length === 0);
  });
});

test("a pod that writes more into an emptyDir than its limit is evicted", async () => {
  await eventually("it is evicted", async () => (await cluster.get<Pod>("pod", "greedy")).status.phase === "Failed");
  const { status } = await cluster.get<Pod & { status: { reason: string; message: string } }>("pod", "greedy");
  expect([status.reason, status.message]).toEqual([
    "Evicted",
    'Usage of EmptyDir volume "data" exceeds the limit "1Mi". ',
  ]);
});

describe("an image as a volume", () => {
  test("shows its files, and only shows them", async () => {
    const entry = (path: string, content: string) => ({ path, content, type: "file" as const });
    const layers = [
      { entries: [entry("below", "covered\n"), entry("kept", "from below\n")] },
      { entries: [entry("below", "from above\n")] },
    ];
    const file = join(cluster.root, "data.tar");
    await writeLayout(file, [await buildImage({ name: "docker.io/library/data:1", layers })]);
    await cluster.flotilla("image", "load", file);
    await apply(
      pod("reader", { image: { reference: "data:1" } }, "cat /data/*; touch /data/x 2>/dev/null || echo read-only"),
    );
    await ready("reader");
    expect(await kubectl("logs", "reader")).toBe("from above\nfrom below\nread-only\n");
    await kubectl("delete", "pod", "reader");
  });
});

describe("a pod whose volume cannot be had is told why:", () => {
  test.each([
    [
      "no such claim",
      of("missing"),
      'FailedMount: Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data], failed to process volumes=[data]: error processing PVC default/missing: failed to fetch PVC from API server: persistentvolumeclaims "missing" ',
    ],
    [
      "not what its type says",
      { hostPath: { path: "/etc/hostname", type: "Directory" } },
      'FailedMount: MountVolume.SetUp failed for volume "data" : hostPath type check failed: /etc/hostname is not a directory',
    ],
    [
      "no such config",
      { configMap: { name: "missing" } },
      'FailedMount: MountVolume.SetUp failed for volume "data" : configmap "missing" not found',
    ],
  ])("%s", async (what, volume, message) => {
    const name = what.replaceAll(" ", "-");
    await apply(pod(name, volume, "true", { nodeName: "node-1" }));
    await saying(name, message);
    await kubectl("delete", "pod", name);
  });
});

describe("a CSI driver", () => {
  beforeAll(async () => {
    await driver.start(nodes);
    await driver.startControllers(join(cluster.root, "kubeconfig"));
    await apply(
      {
        apiVersion: "storage.k8s.io/v1",
        kind: "CSIDriver",
        metadata: { name: driverName },
        spec: { attachRequired: true, fsGroupPolicy: "File" },
      },
      {
        apiVersion: "storage.k8s.io/v1",
        kind: "StorageClass",
        metadata: { name: "disks-of-example" },
        provisioner: driverName,
        volumeBindingMode: "WaitForFirstConsumer",
        allowVolumeExpansion: true,
      },
    );
  });

  test("registers by its socket, and the node says so", async () => {
    const drivers = await eventually("both nodes know it", async () => {
      const { items } = await cluster.get<{ items: { spec: { drivers: unknown[] } }[] }>("csinodes");
      return items.every(({ spec }) => spec.drivers.length === 1)
        ? items.map(({ spec }) => spec.drivers[0])
        : undefined;
    });
    expect(drivers[0]).toEqual({
      name: driverName,
      nodeID: "id-of-node-1",
      topologyKeys: ["disks.example.com/rack"],
      allocatable: { count: 8 },
    });
    await eventually("it heard", () => driver.calls.includes("registered node-1"));
  });

  test("its volumes are made, attached, mounted, written, grown; and all of it back, over a kill of the node's agent", async () => {
    await apply(
      claim("disk-of-example", { storageClassName: "disks-of-example" }),
      pod("writer", of("disk-of-example"), "echo written > /data/word; ls -ldn /data | cut -d' ' -f4", {
        securityContext: { fsGroup: 3456 },
      }),
    );
    await ready("writer");
    expect(await kubectl("logs", "writer")).toBe("3456\n");
    const volume = await volumeOf("disk-of-example");
    const { nodeName = "" } = (await cluster.get<Pod>("pod", "writer")).spec;
    const disk = driver.disks.get(volume.spec.csi?.volumeHandle ?? "");
    expect(disk?.attachedTo).toBe(`id-of-${nodeName}`);
    expect(readFileSync(join(disk?.dir ?? "", "word"), "utf8")).toBe("written\n");
    const { status } = await cluster.get<{ status: { volumesInUse?: string[]; volumesAttached?: unknown[] } }>(
      "node",
      nodeName,
    );
    const uniqueName = `kubernetes.io/csi/${driverName}^${volume.spec.csi?.volumeHandle}`;
    expect(status.volumesInUse).toEqual([uniqueName]);
    expect(status.volumesAttached).toEqual([{ name: uniqueName, devicePath: "" }]);
    expect(await events("writer")).toContain(
      `SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "${volume.metadata.name}" `,
    );

    process.kill(await cluster.pidOf(nodeName), "SIGKILL");
    await kubectl("patch", "pvc", "disk-of-example", "-p", '{"spec":{"resources":{"requests":{"storage":"3Gi"}}}}');
    await eventually("the file system has grown", async () => {
      const { capacity } = (await getClaim("disk-of-example")).status;
      return disk?.fileSystemBytes === 3 * 2 ** 30 && capacity?.storage === "3Gi";
    });
    expect((await cluster.get<Pod>("pod", "writer")).status.phase).toBe("Running");

    await kubectl("delete", "pod", "writer");
    await eventually("it is detached", () => disk?.attachedTo === undefined);
    expect(driver.calls.filter((call) => call.startsWith("Node")).slice(-2)).toEqual([
      `NodeUnpublishVolume ${nodeName}`,
      `NodeUnstageVolume ${nodeName}`,
    ]);
    expect(volumeMounts()).toEqual([]);
    expect(readdirSync(join(nodeDir(nodeName), "plugins/kubernetes.io/csi", driverName))).toEqual([]);
    await kubectl("delete", "pvc", "disk-of-example");
    await gone("pv", volume.metadata.name);
    expect(driver.disks.size).toBe(0);
  });

  test("what it refuses, users read", async () => {
    driver.failures.set("NodePublishVolume", "the disk is upside down");
    await apply(claim("broken", { storageClassName: "disks-of-example" }), pod("patient", of("broken")));
    const volumeName = await eventually("a volume", async () => (await getClaim("broken")).spec.volumeName);
    await saying(
      "patient",
      `FailedMount: MountVolume.SetUp failed for volume "${volumeName}" : rpc error: code = Internal desc = the disk is upside down`,
    );
    driver.failures.clear();
    await ready("patient");
    await kubectl("delete", "pod", "patient");
    await kubectl("delete", "pvc", "broken");
    await gone("pv", volumeName);
  });
});
