import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../../base/mod.ts";
import type { Node, Pod } from "../../../controlplane/api/mod.ts";
import { FakeApiServer } from "../../../controlplane/client/fake.testing.ts";
import type { Client } from "../../../controlplane/client/mod.ts";
import { isMirror, isStatic, parseManifest, staticAnnotations } from "./manifest.ts";
import { ManifestSource } from "./manifest-source.ts";
import { Mirrors, mirrorFor } from "./mirrors.ts";

const manifest = (name: string, image = "host") =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec:\n  containers: [{name: main, image: "${image}"}]\n`;
const seen = "2030-01-01T00:00:00Z";

describe("a manifest", () => {
  test("becomes a pod of this node, complete, tolerating whatever the node is tainted with", async () => {
    const pod = await parseManifest(manifest("web"), "/m/web.yaml", "Node-1", seen);
    expect(pod.metadata).toMatchObject({ name: "web-node-1", namespace: "default" });
    expect(pod.spec).toMatchObject({
      nodeName: "Node-1",
      restartPolicy: "Always",
      tolerations: [{ operator: "Exists", effect: "NoExecute" }],
    });
    expect([isStatic(pod), isMirror(pod)]).toEqual([true, false]);
  });

  test("keeps its uid as long as the file is the same", async () => {
    const uid = async (text: string, file: string) => (await parseManifest(text, file, "n", seen)).metadata.uid;
    expect(await uid(manifest("a"), "/m/a")).toBe(await uid(manifest("a"), "/m/a"));
    expect(await uid(manifest("a"), "/m/a")).not.toBe(await uid(manifest("a", "host:2"), "/m/a"));
    expect(await uid(manifest("a"), "/m/a")).not.toBe(await uid(manifest("a"), "/m/b"));
  });

  test.each([
    ["just text", /holds no object/],
    ["apiVersion: apps/v1\nkind: Deployment\n", /no v1 Pod but apps\/v1 Deployment/],
    ["apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {}\n", /no containers/],
  ])("%j is refused", async (text, message) => {
    await expect(parseManifest(text, "/m/x", "n", seen)).rejects.toThrow(message);
  });
});

describe("a directory of manifests", () => {
  let dir: string;
  let told: string[];
  let source: ManifestSource;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "flotilla-manifests-"));
    told = [];
    const names = new Map<string, string>();
    source = new ManifestSource({
      dir,
      nodeName: "n",
      clock: new VirtualClock(),
      log: (_level, message) => told.push(message),
      onAdd: ({ metadata: { name, uid = "" }, spec }) => {
        names.set(uid, name);
        told.push(`add ${name} ${spec.containers[0]?.image}`);
      },
      onRemove: (uid) => told.push(`remove ${names.get(uid)}`),
    });
  });
  afterEach(() => {
    source.stop();
    rmSync(dir, { recursive: true });
  });

  test("is followed: new, changed and removed files", async () => {
    writeFileSync(join(dir, "a.yaml"), manifest("a"));
    writeFileSync(join(dir, ".hidden"), manifest("hidden"));
    await source.start();
    expect(told.splice(0)).toEqual(["add a-n host"]);
    writeFileSync(join(dir, "a.yaml"), manifest("a", "host:2"));
    writeFileSync(join(dir, "b.yaml"), manifest("b"));
    await source.read();
    expect(told.splice(0)).toEqual(["remove a-n", "add a-n host:2", "add b-n host"]);
    rmSync(join(dir, "a.yaml"));
    await source.read();
    expect(told).toEqual(["remove a-n"]);
  });

  test("a slip of the pen does not end the pod that runs", async () => {
    writeFileSync(join(dir, "a.yaml"), manifest("a"));
    await source.start();
    told.splice(0);
    writeFileSync(join(dir, "a.yaml"), "kind: Pd");
    await source.read();
    expect(told.splice(0)).toEqual(["a manifest is not understood"]);
    writeFileSync(join(dir, "a.yaml"), manifest("a"));
    await source.read();
    expect(told).toEqual([]);
    expect(source.pods()).toHaveLength(1);
  });
});

describe("mirrors", () => {
  const node: Node = { metadata: { name: "n", uid: "node-uid" }, spec: {} };
  let client: Client;
  let known: Pod | undefined;
  let mirrors: Mirrors;
  let pod: Pod;

  beforeEach(async () => {
    const clock = new VirtualClock();
    client = new FakeApiServer(clock).client();
    known = undefined;
    mirrors = new Mirrors({ client, clock, log: () => undefined, node: () => node, mirrorOf: () => known });
    pod = await parseManifest(manifest("web"), "/m/web", "n", seen);
  });

  const settle = async () => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    known = (await client.pods.list({ namespace: "default" })).items.find(isMirror);
  };

  test("one is made, owned by the node", async () => {
    mirrors.want(pod);
    await settle();
    expect(known?.metadata).toMatchObject({
      name: "web-n",
      annotations: { [staticAnnotations.mirror]: pod.metadata.uid },
      ownerReferences: [{ kind: "Node", name: "n", uid: "node-uid", controller: true }],
    });
  });

  test("news during a request are not lost", async () => {
    known = await client.pods.create(mirrorFor(pod, node));
    const deleting = { ...known, metadata: { ...known.metadata, deletionTimestamp: seen } };
    known = deleting;
    mirrors.want(pod);
    // The informer tells of the deletion before the request to delete is answered.
    known = undefined;
    mirrors.check(pod);
    await settle();
    expect(known).toBeDefined();
    expect((known as unknown as Pod).metadata.uid).not.toBe(deleting.metadata.uid);
  });

  test("one of another version is replaced, and one of a pod that is gone is removed", async () => {
    const old = await parseManifest(manifest("web", "host:old"), "/m/web", "n", seen);
    known = await client.pods.create(mirrorFor(old, node));
    mirrors.want(pod);
    await settle();
    expect(known).toBeUndefined();
    mirrors.check(pod);
    await settle();
    expect(known?.spec.containers[0]?.image).toBe("host");
    mirrors.unwant(pod);
    await settle();
    expect(known).toBeUndefined();
  });
});
