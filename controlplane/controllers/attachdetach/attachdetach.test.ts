import { afterEach, beforeEach, expect, test } from "vitest";
import type { Pod, VolumeAttachment } from "../../api/mod.ts";
import { settle } from "../../client/elapse.testing.ts";
import { TestCluster } from "../common/cluster.testing.ts";
import { AttachDetachController } from "./controller.ts";

let cluster: TestCluster;
beforeEach(async () => {
  cluster = new TestCluster();
  await cluster.start((context) => new AttachDetachController(context));
  for (const name of ["n1", "n2"]) await cluster.client.nodes.create({ metadata: { name }, spec: {}, status: {} });
});
afterEach(() => cluster.stop());

async function bound(accessMode = "ReadWriteOnce"): Promise<void> {
  const { metadata } = await cluster.client.persistentVolumeClaims.create({
    metadata: { name: "data", namespace: "default" },
    spec: { volumeName: "v" },
  });
  await cluster.client.persistentVolumes.create({
    metadata: { name: "v" },
    spec: {
      accessModes: [accessMode],
      claimRef: { namespace: "default", name: "data", uid: metadata.uid },
      csi: { driver: "disks.example.com", volumeHandle: "h1" },
    },
  });
}

async function pod(name: string, nodeName: string): Promise<Pod> {
  const created = await cluster.client.pods.create({
    metadata: { name, namespace: "default" },
    spec: { nodeName, containers: [], volumes: [{ name: "d", persistentVolumeClaim: { claimName: "data" } }] },
  });
  await settle();
  return created;
}

async function attachments(): Promise<VolumeAttachment[]> {
  await settle();
  return (await cluster.client.volumeAttachments.list()).items;
}

async function attached(): Promise<void> {
  const [attachment] = await attachments();
  if (attachment === undefined) throw new Error("nothing was to be attached");
  await cluster.client.volumeAttachments.updateStatus({ ...attachment, status: { attached: true } });
  await settle();
}

async function setInUse(volumesInUse: string[]): Promise<void> {
  const node = await cluster.client.nodes.get("n1");
  await cluster.client.nodes.updateStatus({ ...node, status: { ...node.status, volumesInUse } });
  await settle();
}

const inUse = "kubernetes.io/csi/disks.example.com^h1";

test("a pod's volume is attached to its node, and the node is told when it is", async () => {
  await bound();
  await pod("web", "n1");
  expect(await attachments()).toMatchObject([
    {
      // sha256 of handle, driver and node, as the original names it
      metadata: { name: "csi-b24f951ab21f4d891abb6a0e6edbb30b0731146beeadf99fa3b131242ffbb86e" },
      spec: { attacher: "disks.example.com", nodeName: "n1", source: { persistentVolumeName: "v" } },
    },
  ]);
  await attached();
  expect((await cluster.client.nodes.get("n1")).status?.volumesAttached).toEqual([{ name: inUse, devicePath: "" }]);
  expect(await cluster.eventsAbout("web")).toEqual([
    'SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "v" ',
  ]);
});

test("it is detached when the pod has gone and the node has unmounted it", async () => {
  await bound();
  await pod("web", "n1");
  await attached();
  await setInUse([inUse]);
  await cluster.client.pods.delete("default", "web", { gracePeriodSeconds: 0 });
  expect(await attachments()).toHaveLength(1);
  await setInUse([]);
  expect(await attachments()).toEqual([]);
  expect((await cluster.client.nodes.get("n1")).status?.volumesAttached ?? []).toEqual([]);
});

test("a node that never unmounts loses it after six minutes", async () => {
  await bound();
  await pod("web", "n1");
  await attached();
  await setInUse([inUse]);
  await cluster.client.pods.delete("default", "web", { gracePeriodSeconds: 0 });
  await settle();
  cluster.clock.advance(359_000);
  expect(await attachments()).toHaveLength(1);
  cluster.clock.advance(1_000);
  expect(await attachments()).toEqual([]);
});

test("a node that is out of service loses it at once", async () => {
  await bound();
  await pod("web", "n1");
  await attached();
  await setInUse([inUse]);
  await cluster.client.pods.delete("default", "web", { gracePeriodSeconds: 0 });
  const node = await cluster.client.nodes.get("n1");
  const taints = [{ key: "node.kubernetes.io/out-of-service", effect: "NoExecute" as const }];
  await cluster.client.nodes.update({ ...node, spec: { ...node.spec, taints } });
  expect(await attachments()).toEqual([]);
});

test("a volume of one node at a time is not attached to a second", async () => {
  await bound();
  await pod("web", "n1");
  await attached();
  await pod("other", "n2");
  expect((await attachments()).map(({ spec }) => spec.nodeName)).toEqual(["n1"]);
  expect((await cluster.eventsAbout("other"))[0]).toMatch(/^FailedAttachVolume: Multi-Attach error for volume "v"/);
});

test("one that many may use is", async () => {
  await bound("ReadWriteMany");
  await pod("web", "n1");
  await pod("other", "n2");
  expect((await attachments()).map(({ spec }) => spec.nodeName).sort()).toEqual(["n1", "n2"]);
});

test("a driver that needs no attaching gets none", async () => {
  await cluster.client.csiDrivers.create({ metadata: { name: "disks.example.com" }, spec: { attachRequired: false } });
  await settle();
  await bound();
  await pod("web", "n1");
  expect(await attachments()).toEqual([]);
});
