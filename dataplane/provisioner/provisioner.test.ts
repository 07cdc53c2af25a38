import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { seededRandom, VirtualClock } from "../../base/mod.ts";
import type { PersistentVolume, PersistentVolumeClaim, Status } from "../../controlplane/api/mod.ts";
import { elapse, settle } from "../../controlplane/client/elapse.testing.ts";
import { FakeApiServer } from "../../controlplane/client/fake.testing.ts";
import { isNotFound } from "../../controlplane/client/mod.ts";
import { provisionerName, selectedNode, storageProvisioner } from "./names.ts";
import { type RunningProvisioner, startProvisioner } from "./start.ts";

const clock = new VirtualClock(Date.UTC(2030, 0, 1));
let server: FakeApiServer;
let rootDir: string;
const running: RunningProvisioner[] = [];
const refused: Status = { apiVersion: "v1", kind: "Status", metadata: {}, status: "Failure", code: 500, message: "no" };
const client = () => server.client({ random: seededRandom(1) });

beforeEach(async () => {
  rootDir = mkdtempSync(join(tmpdir(), "flotilla-provisioner-"));
  server = new FakeApiServer(clock);
  await client().nodes.create({ metadata: { name: "n1", labels: { "kubernetes.io/hostname": "host-1" } }, spec: {} });
  await client().storageClasses.create({ metadata: { name: "standard" }, provisioner: provisionerName });
});
afterEach(async () => {
  await stop();
  rmSync(rootDir, { recursive: true, force: true });
});

async function start(): Promise<void> {
  running.push(startProvisioner({ client: client(), log: () => undefined, nodeName: "n1", rootDir, clock }));
  await settle();
}

async function stop(): Promise<void> {
  for (const one of running.splice(0)) {
    const stopped = one.stop();
    await elapse(clock, 1000);
    await stopped;
  }
}

const claim = (spec: PersistentVolumeClaim["spec"] = {}, node = "n1") =>
  client().persistentVolumeClaims.create({
    metadata: {
      name: "data",
      namespace: "default",
      annotations: { [storageProvisioner]: provisionerName, [selectedNode]: node },
    },
    spec: {
      storageClassName: "standard",
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "1Gi" } },
      ...spec,
    },
  });

const pathOf = ({ spec }: PersistentVolume) => spec?.local?.path ?? "";
const volumes = async () => (await client().persistentVolumes.list()).items;
const theVolume = async () => (await volumes())[0] as PersistentVolume;
const directories = () => readdirSync(join(rootDir, "volumes"));
/** Removing files takes the disk's time, not the clock's. */
const allGone = () => vi.waitFor(async () => expect(await volumes()).toEqual([]));
const events = async () => (await client().events.list()).items.map(({ reason, message }) => `${reason}: ${message}`);

/** The claim goes, and the volume controller sees it. */
async function release(volume: PersistentVolume): Promise<void> {
  await client().persistentVolumeClaims.delete("default", "data");
  const current = await client().persistentVolumes.get(volume.metadata.name ?? "");
  await client().persistentVolumes.updateStatus({ ...current, status: { phase: "Released" } });
  await elapse(clock, 100);
}

test("a claim given to this node gets a directory of it, and a volume that only this node reaches", async () => {
  await start();
  const { metadata } = await claim();
  await settle();
  const volume = await theVolume();
  expect(volume.metadata.name).toBe(`pvc-${metadata.uid}`);
  expect(volume.spec).toMatchObject({
    capacity: { storage: "1Gi" },
    claimRef: { kind: "PersistentVolumeClaim", namespace: "default", name: "data", uid: metadata.uid },
    persistentVolumeReclaimPolicy: "Delete",
    storageClassName: "standard",
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["host-1"] }] },
        ],
      },
    },
  });
  expect(statSync(pathOf(volume)).mode & 0o777).toBe(0o777);
  expect(await events()).toEqual([
    'Provisioning: External provisioner is provisioning volume for claim "default/data"',
    `ProvisioningSucceeded: Successfully provisioned volume pvc-${metadata.uid}`,
  ]);
});

test("claims of other nodes are left to them", async () => {
  await start();
  await claim({}, "n2");
  await settle();
  expect(await volumes()).toEqual([]);
  expect(directories()).toEqual([]);
});

test.each([
  ["access by many nodes", { accessModes: ["ReadWriteMany"] }, "access mode ReadWriteMany is not supported"],
  ["a raw block device", { volumeMode: "Block" as const }, "volumeMode Block is not supported"],
  ["a choice among volumes", { selector: { matchLabels: { a: "b" } } }, "claim Selector is not supported"],
])("%s cannot be had, and the claim's events say so", async (_, spec, why) => {
  await start();
  await claim(spec);
  await settle();
  expect(await volumes()).toEqual([]);
  expect((await events())[0]).toContain(
    `ProvisioningFailed: failed to provision volume with StorageClass "standard": ${why}`,
  );
});

test("a released volume goes with what is in it; one that is kept stays, and its data even longer", async () => {
  await start();
  await claim();
  await settle();
  const first = await theVolume();
  writeFileSync(join(pathOf(first), "file"), "x");
  await release(first);
  await allGone();
  expect(existsSync(pathOf(first))).toBe(false);

  await client().storageClasses.create({
    metadata: { name: "kept" },
    provisioner: provisionerName,
    reclaimPolicy: "Retain",
  });
  await claim({ storageClassName: "kept" });
  await settle();
  const second = await theVolume();
  await release(second);
  expect(await volumes()).toHaveLength(1);
  await client().persistentVolumes.delete(second.metadata.name ?? "");
  await elapse(clock, 100);
  await expect(client().persistentVolumes.get(second.metadata.name ?? "")).rejects.toSatisfy(isNotFound);
  expect(existsSync(pathOf(second))).toBe(true);
});

test("somebody who deletes the volume before the claim does not make the directory forgotten", async () => {
  await start();
  await claim();
  await settle();
  const volume = await theVolume();
  await client().persistentVolumes.delete(volume.metadata.name ?? "");
  await settle();
  expect(existsSync(pathOf(volume))).toBe(true);
  await release(volume);
  await allGone();
  expect(existsSync(pathOf(volume))).toBe(false);
});

test("a crash after the directory was made: the next one makes the volume of it", async () => {
  const { metadata } = await claim();
  server.intercept = ({ method, path }) =>
    method === "POST" && path.includes("persistentvolumes") ? refused : undefined;
  await start();
  expect(directories()).toEqual([`pvc-${metadata.uid}`]);
  expect((await events()).some((one) => one.startsWith("ProvisioningFailed"))).toBe(true);
  await stop();
  server.intercept = () => undefined;
  await start();
  expect((await volumes()).map((one) => one.metadata.name)).toEqual([`pvc-${metadata.uid}`]);
  expect(readdirSync(join(rootDir, "unfinished"))).toEqual([]);
});

test("a directory whose claim went before it was a volume is removed; others' data is not", async () => {
  const { metadata } = await claim();
  server.intercept = ({ method, path }) =>
    method === "POST" && path.includes("persistentvolumes") ? refused : undefined;
  await start();
  await stop();
  mkdirSync(join(rootDir, "volumes", "pvc-kept"));
  await client().persistentVolumeClaims.delete("default", "data");
  expect(directories()).toContain(`pvc-${metadata.uid}`);
  await start();
  await vi.waitFor(() => expect(directories()).toEqual(["pvc-kept"]));
});

test("a crash after the directory was removed: the volume still goes", async () => {
  await start();
  await claim();
  await settle();
  const volume = await theVolume();
  await stop();
  rmSync(pathOf(volume), { recursive: true });
  await release(volume);
  await start();
  await allGone();
});

test("a claim that grows is told when its node has followed", async () => {
  await start();
  const { metadata } = await claim();
  await settle();
  const volume = await theVolume();
  await client().persistentVolumes.update({ ...volume, spec: { ...volume.spec, capacity: { storage: "2Gi" } } });
  const current = await client().persistentVolumeClaims.get("default", "data");
  const bound = await client().persistentVolumeClaims.update({
    ...current,
    spec: { ...current.spec, volumeName: volume.metadata.name },
  });
  await client().persistentVolumeClaims.updateStatus({
    ...bound,
    status: {
      phase: "Bound",
      capacity: { storage: "1Gi" },
      allocatedResources: { storage: "2Gi" },
      allocatedResourceStatuses: { storage: "NodeResizePending" },
      conditions: [{ type: "FileSystemResizePending", status: "True" }],
    },
  });
  await elapse(clock, 100);
  const { status } = await client().persistentVolumeClaims.get("default", "data");
  expect(status).toEqual({
    phase: "Bound",
    capacity: { storage: "2Gi" },
    allocatedResources: { storage: "2Gi" },
    conditions: [],
  });
  expect((await events()).some((one) => one.startsWith("FileSystemResizeSuccessful"))).toBe(true);
  expect(metadata.uid).toBe(volume.spec?.claimRef?.uid);
});
