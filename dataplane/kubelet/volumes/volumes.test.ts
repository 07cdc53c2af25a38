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
import type { ConfigMap, Pod, Volume } from "../../../controlplane/api/mod.ts";
import { container, pod } from "../pod/pod.testing.ts";
import { podDirOf } from "../root-dir.ts";
import { type Payload, writeAtomically } from "./atomic-writer.ts";
import type { PayloadContext } from "./payload.ts";
import { containerMounts, VolumeManager } from "./volume-manager.ts";

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

  function mount(wanted: Pod) {
    const manager = new VolumeManager({ rootDir: dir, canMount: false });
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
    const all = (await mount(using({ name: "v", configMap: { name: "cm" } }))).get("v") as string;
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
    await expect(mount(using({ name: "p", persistentVolumeClaim: { claimName: "c" } }))).rejects.toThrow();
    expect(failures[0]).toContain("volumes of kind persistentVolumeClaim are not supported");
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
    const at = (await mount(using(projected))).get("api") as string;
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
    const at = (await mount(wanted)).get("e") as string;
    writeFileSync(join(at, "kept"), "");
    writeFileSync(join(host, "kept"), "");
    await mount(wanted);
    expect(existsSync(join(at, "kept"))).toBe(true);
    await new VolumeManager({ rootDir: dir, canMount: false }).unmount("u1");
    expect(existsSync(join(podDirOf(dir, "u1"), "volumes"))).toBe(false);
    expect(existsSync(join(host, "kept"))).toBe(true);
    await expect(mount(using({ name: "h", hostPath: { path: host, type: "File" } }))).rejects.toThrow();
    expect(failures[0]).toContain(`hostPath type check failed: ${host} is not a file`);
  });

  test("a subPath stays inside its volume, links or not", () => {
    const volume = join(dir, "volume");
    mkdirSync(volume);
    symlinkSync("/etc", join(volume, "out"));
    const mounts = (subPath: string) => {
      const main = container("main", { volumeMounts: [{ name: "v", mountPath: "/v", subPath }] });
      return containerMounts(pod({ containers: [main] }), main, new Map([["v", volume]]), (text) => text);
    };
    expect(mounts("made/here")[0]?.hostPath).toBe(join(volume, "made/here"));
    expect(lstatSync(join(volume, "made/here")).isDirectory()).toBe(true);
    expect(() => mounts("../host")).toThrow("outside its volume");
    expect(() => mounts("out/passwd")).toThrow("leads out of its volume");
  });
});
