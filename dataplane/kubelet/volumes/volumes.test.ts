import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { seededRandom, VirtualClock } from "../../../base/mod.ts";
import type { ConfigMap, PersistentVolume, PersistentVolumeClaim, Pod, Volume } from "../../../controlplane/api/mod.ts";
import { FakeApiServer } from "../../../controlplane/client/fake.testing.ts";
import { container, pod } from "../pod/pod.testing.ts";
import { podDirOf } from "../root-dir.ts";
import { type Payload, writeAtomically } from "./atomic-writer.ts";
import { containerMounts } from "./container-mounts.ts";
import type { PayloadContext } from "./payload.ts";
import { VolumeManager } from "./volume-manager.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "flotilla-volumes-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const payload = (files: Record<string, string>, mode = 0o644): Payload =>
  new Map(Object.entries(files).map(([path, text]) => [path, { data: Buffer.from(text), mode }]));

describe("the atomic writer", () => {
  const text = (path: string) => readFileSync(join(dir, path), "utf8");

  test("shows files through one link that is swapped", () => {
    expect(writeAtomically(dir, payload({ a: "1", "sub/b": "2" }))).toBe(true);
    expect([text("a"), text("sub/b")]).toEqual(["1", "2"]);
    expect(readlinkSync(join(dir, "a"))).toBe("..data/a");
    const before = readlinkSync(join(dir, "..data"));
    expect(writeAtomically(dir, payload({ a: "1", "sub/b": "2" }))).toBe(false);
    expect(readlinkSync(join(dir, "..data"))).toBe(before);
    expect(writeAtomically(dir, payload({ a: "new", c: "3" }))).toBe(true);
    expect(readdirSync(dir).filter((name) => !name.startsWith(".."))).toEqual(["a", "c"]);
    expect(text("a")).toBe("new");
    // The old set is gone, and only one is left.
    expect(readdirSync(dir).filter((name) => name.startsWith("..2"))).toHaveLength(1);
  });

  test("gives files their modes, and notices when only a mode changes", () => {
    writeAtomically(dir, payload({ key: "x" }, 0o400));
    expect(statSync(join(dir, "key")).mode & 0o777).toBe(0o400);
    expect(writeAtomically(dir, payload({ key: "x" }, 0o444))).toBe(true);
  });

  test("what a crash left half made does not stay", () => {
    mkdirSync(join(dir, "..2020_half"));
    writeAtomically(dir, payload({ a: "1" }));
    expect(existsSync(join(dir, "..2020_half"))).toBe(false);
  });
});

describe("volumes of a pod", () => {
  const configMaps: Record<string, ConfigMap> = {};
  const failures: string[] = [];

  function using(...volumes: Volume[]): Pod {
    const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/${name}` }));
    return pod({ containers: [container("main", { volumeMounts })], volumes });
  }

  const clock = new VirtualClock(0);
  let server: FakeApiServer;
  beforeEach(() => {
    server = new FakeApiServer(clock);
  });
  const client = () => server.client({ random: seededRandom(1) });
  const node = { metadata: { name: "n1", labels: { "kubernetes.io/hostname": "n1" } }, spec: {} };

  function managerOf(): VolumeManager {
    return new VolumeManager({
      client: client(),
      clock,
      log: () => undefined,
      nodeName: "n1",
      rootDir: dir,
      canMount: false,
      memoryBytes: 2 ** 30,
      node: () => node,
      reportNode: async () => undefined,
      event: () => undefined,
      tokens: { token: async () => ({ token: "t", refreshAtMs: 0, expiresAtMs: 0 }) },
    });
  }

  /** A claim `data` bound to a volume of the given kind. */
  async function claimOf(spec: PersistentVolume["spec"], claim: PersistentVolumeClaim["spec"] = {}): Promise<void> {
    const { metadata } = await client().persistentVolumeClaims.create({
      metadata: { name: "data", namespace: "default" },
      spec: { volumeName: "pv", ...claim },
      status: { phase: "Bound" },
    });
    const claimRef = { namespace: "default", name: "data", uid: metadata.uid };
    await client().persistentVolumes.create({ metadata: { name: "pv" }, spec: { claimRef, ...spec } });
  }
  const data: Volume = { name: "v", persistentVolumeClaim: { claimName: "data" } };

  function mount(wanted: Pod) {
    const manager = managerOf();
    const context: PayloadContext = {
      pod: wanted,
      configMap: async (_namespace, name) => configMaps[name],
      secret: async () => undefined,
      facts: { podIP: "", hostIP: "", allocatable: { cpu: "1", memory: "1Gi", "ephemeral-storage": "1Gi" } },
      token: async ({ audience }) => `token for ${audience ?? "the API server"}`,
    };
    failures.length = 0;
    return manager.mount(wanted, context, (message) => failures.push(message));
  }

  test("a ConfigMap's keys are files, chosen and renamed by items, and follow changes", async () => {
    configMaps.cm = { metadata: { name: "cm" }, data: { a: "1", b: "2" }, binaryData: { raw: "AAE=" } };
    const all = (await mount(using({ name: "v", configMap: { name: "cm" } }))).get("v")?.path as string;
    expect(
      readdirSync(all)
        .filter((name) => !name.startsWith(".."))
        .sort(),
    ).toEqual(["a", "b", "raw"]);
    expect([...readFileSync(join(all, "raw"))]).toEqual([0, 1]);
    configMaps.cm = { metadata: { name: "cm" }, data: { a: "changed" } };
    await mount(using({ name: "v", configMap: { name: "cm", items: [{ key: "a", path: "x/y", mode: 0o400 }] } }));
    expect(readFileSync(join(all, "x/y"), "utf8")).toBe("changed");
  });

  test("what cannot be had is named, optional or not", async () => {
    await expect(mount(using({ name: "v", configMap: { name: "nope" } }))).rejects.toThrow("unmounted volumes=[v]");
    expect(failures).toEqual(['MountVolume.SetUp failed for volume "v" : configmap "nope" not found']);
    await mount(using({ name: "v", configMap: { name: "nope", optional: true } }));
    await expect(mount(using({ name: "n", nfs: { server: "s", path: "/" } }))).rejects.toThrow();
    expect(failures[0]).toContain("volumes of kind nfs are not supported");
  });

  test("a projected volume gathers token, certificate and fields", async () => {
    configMaps["kube-root-ca.crt"] = { metadata: { name: "kube-root-ca.crt" }, data: { "ca.crt": "CA" } };
    const projected: Volume = {
      name: "api",
      projected: {
        sources: [
          { serviceAccountToken: { path: "token", expirationSeconds: 3607 } },
          { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
          { downwardAPI: { items: [{ path: "namespace", fieldRef: { fieldPath: "metadata.namespace" } }] } },
        ],
      },
    };
    const at = (await mount(using(projected))).get("api")?.path as string;
    expect(["token", "ca.crt", "namespace"].map((name) => readFileSync(join(at, name), "utf8"))).toEqual([
      "token for the API server",
      "CA",
      "default",
    ]);
    expect(statSync(join(at, "token")).mode & 0o777).toBe(0o600);
  });

  test("an emptyDir keeps what is in it until the pod is gone; a hostPath outlives it", async () => {
    const host = join(dir, "host");
    const wanted = using(
      { name: "e", emptyDir: {} },
      { name: "h", hostPath: { path: host, type: "DirectoryOrCreate" } },
    );
    const at = (await mount(wanted)).get("e")?.path as string;
    writeFileSync(join(at, "kept"), "");
    writeFileSync(join(host, "kept"), "");
    await mount(wanted);
    expect(existsSync(join(at, "kept"))).toBe(true);
    await managerOf().unmount("u1");
    expect(existsSync(join(podDirOf(dir, "u1"), "volumes"))).toBe(false);
    expect(existsSync(join(host, "kept"))).toBe(true);
    await expect(mount(using({ name: "h", hostPath: { path: host, type: "File" } }))).rejects.toThrow();
    expect(failures[0]).toContain(`hostPath type check failed: ${host} is not a file`);
  });

  test("a claim that cannot be used yet says which and why", async () => {
    const unable = (what: string) =>
      `Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[v], failed to process volumes=[v]: ${what}`;
    await expect(mount(using(data))).rejects.toThrow("unmounted volumes=[v]");
    expect(failures[0]).toContain(
      unable("error processing PVC default/data: failed to fetch PVC from API server: persistentvolumeclaims"),
    );
    await claimOf({ local: { path: dir } });
    const claims = client().persistentVolumeClaims;
    await claims.updateStatus({ ...(await claims.get("default", "data")), status: { phase: "Pending" } });
    await expect(mount(using(data))).rejects.toThrow();
    expect(failures).toEqual([unable("error processing PVC default/data: PVC is not bound")]);
  });

  test("an ephemeral volume is the pod's own claim, and nobody else's", async () => {
    const wanted = using({ name: "data", ephemeral: {} });
    await client().persistentVolumeClaims.create({ metadata: { name: "web-data", namespace: "default" }, spec: {} });
    await expect(mount(wanted)).rejects.toThrow("was not created for pod default/web (pod is not owner)");
  });

  test.each<[string, PersistentVolume["spec"], string]>([
    [
      "a directory that is not there",
      { local: { path: "/nowhere" } },
      'MountVolume.NewMounter initialization failed for volume "pv" : path "/nowhere" does not exist',
    ],
    [
      "a volume of another node",
      {
        local: { path: "/" },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["n2"] }] },
            ],
          },
        },
      },
      'MountVolume.NodeAffinity check failed for volume "pv" : no matching NodeSelectorTerms',
    ],
    [
      "a kind that no plugin knows",
      { nfs: { server: "s", path: "/" } },
      'MountVolume.NewMounter initialization failed for volume "pv" : no volume plugin matched',
    ],
    [
      "a driver that is not registered",
      { csi: { driver: "example.com", volumeHandle: "h" } },
      'MountVolume.MountDevice failed for volume "pv" : kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: driver name example.com not found in the list of registered CSI drivers',
    ],
  ])("%s: the message names the volume", async (_, spec, message) => {
    await client().csiDrivers.create({ metadata: { name: "example.com" }, spec: { attachRequired: false } });
    await claimOf(spec);
    await expect(mount(using(data))).rejects.toThrow();
    expect(failures[0]).toContain(message);
  });

  test("what a pod has mounted it keeps, though its claim goes or the API is away", async () => {
    await claimOf({ local: { path: dir } });
    expect((await mount(using(data))).get("v")).toEqual({ path: dir, readOnly: false });
    server.intercept = () => ({
      apiVersion: "v1",
      kind: "Status",
      metadata: {},
      status: "Failure",
      code: 500,
      message: "away",
    });
    // A kubelet that has just started knows it from its disk.
    expect((await mount(using(data))).get("v")).toEqual({ path: dir, readOnly: false });
  });

  test("ReadWriteOncePod is for one pod at a time", async () => {
    await claimOf({ local: { path: dir }, accessModes: ["ReadWriteOncePod"] });
    await mount(using(data));
    const second = { ...using(data), metadata: { name: "other", namespace: "default", uid: "u2" } };
    await expect(mount(second)).rejects.toThrow();
    expect(failures[0]).toContain("already in use by another pod");
    await managerOf().unmount("u1");
    expect((await mount(second)).size).toBe(1);
  });

  test("a group given to the pod owns what is in its volume", async () => {
    const volume = join(dir, "volume");
    mkdirSync(join(volume, "sub"), { recursive: true });
    writeFileSync(join(volume, "sub/file"), "", { mode: 0o600 });
    await claimOf({ local: { path: volume } });
    const wanted = using(data);
    wanted.spec.securityContext = { fsGroup: 2345 };
    await mount(wanted);
    const [top, file] = [statSync(volume), statSync(join(volume, "sub/file"))];
    expect([top.gid, top.mode & 0o2070]).toEqual([2345, 0o2070]);
    expect([file.gid, file.mode & 0o777]).toEqual([2345, 0o660]);
  });

  const mountsOf = (
    source: string,
    change: Partial<NonNullable<ReturnType<typeof container>["volumeMounts"]>[number]>,
    options: { readOnly?: boolean; canMount?: boolean } = {},
  ) => {
    const main = container("main", { volumeMounts: [{ name: "v", mountPath: "/v", ...change }] });
    const volumes = new Map([["v", { path: source, readOnly: options.readOnly === true }]]);
    return containerMounts({
      pod: pod({ containers: [main] }),
      container: main,
      volumes,
      rootDir: dir,
      canMount: options.canMount === true,
      expandPath: (text) => text.replaceAll("$(POD)", "web"),
    });
  };

  describe.each([
    ["where mounts can be made", true],
    ["where none can be made", false],
  ])("a part of a volume, %s,", (_, canMount) => {
    let volume: string;
    beforeEach(() => {
      volume = join(dir, "volume");
      mkdirSync(volume);
      symlinkSync("/etc", join(volume, "out"));
      mkdirSync(join(volume, "real"));
      symlinkSync("real", join(volume, "inside"));
      writeFileSync(join(volume, "real/file"), "content");
    });
    afterEach(() => managerOf().unmount("u1"));
    const part = async (subPath: string) => (await mountsOf(volume, { subPath }, { canMount }))[0]?.hostPath ?? "";

    test("is made when missing, with the volume's rights", async () => {
      expect(lstatSync(await part("made/here")).isDirectory()).toBe(true);
      expect(statSync(join(volume, "made/here")).mode).toBe(statSync(volume).mode);
    });

    test("may be a file, and reached by links that stay inside", async () => {
      expect(readFileSync(await part("inside/file"), "utf8")).toBe("content");
    });

    test("does not lead out of it", async () => {
      await expect(part("../host")).rejects.toThrow("is outside its volume");
      await expect(part("out/passwd")).rejects.toThrow("leads out of its volume");
      await expect(part("/etc")).rejects.toThrow("must not be an absolute path");
    });

    test("is the same again for the next instance of the container", async () => {
      expect(await part("real")).toBe(await part("real"));
    });
  });

  test("a part that is swapped for a link after it was opened stays what it was", async () => {
    const volume = join(dir, "volume");
    mkdirSync(join(volume, "part"), { recursive: true });
    writeFileSync(join(volume, "part/file"), "mine");
    const [mount] = await mountsOf(volume, { subPath: "part" }, { canMount: true });
    rmSync(join(volume, "part"), { recursive: true });
    symlinkSync("/etc", join(volume, "part"));
    expect(readdirSync(mount?.hostPath ?? "")).not.toContain("passwd");
    await managerOf().unmount("u1");
  });

  test("a path made of variables needs all of them", async () => {
    const [mount] = await mountsOf(dir, { subPathExpr: "$(POD)" });
    expect(mount?.hostPath).toBe(join(dir, "web"));
    await expect(mountsOf(dir, { subPathExpr: "$(NOPE)" })).rejects.toThrow('missing value for "NOPE"');
  });

  test("propagation and read-only reach the engine", async () => {
    expect(await mountsOf(dir, { mountPropagation: "HostToContainer" }, { readOnly: true })).toEqual([
      { containerPath: "/v", hostPath: dir, readonly: true, propagation: "PROPAGATION_HOST_TO_CONTAINER" },
    ]);
  });
});
