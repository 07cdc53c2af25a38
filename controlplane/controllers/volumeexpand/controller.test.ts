import { afterEach, beforeEach, expect, test } from "vitest";
import { settle } from "../../client/elapse.testing.ts";
import { TestCluster } from "../common/cluster.testing.ts";
import { VolumeExpandController } from "./controller.ts";

let cluster: TestCluster;
beforeEach(async () => {
  cluster = new TestCluster();
  await cluster.start((context) => new VolumeExpandController(context));
});
afterEach(() => cluster.stop());

async function grown(annotations: Record<string, string>): Promise<void> {
  const { metadata } = await cluster.client.persistentVolumeClaims.create({
    metadata: { name: "c", namespace: "default" },
    spec: { volumeName: "v", resources: { requests: { storage: "1Gi" } } },
    status: { phase: "Bound", capacity: { storage: "1Gi" } },
  });
  await cluster.client.persistentVolumes.create({
    metadata: { name: "v", annotations },
    spec: { capacity: { storage: "1Gi" }, claimRef: { name: "c", namespace: "default", uid: metadata.uid } },
  });
  await settle();
  const claim = await cluster.client.persistentVolumeClaims.get("default", "c");
  expect(claim.status?.conditions).toBeUndefined();
  const resources = { requests: { storage: "2Gi" } };
  await cluster.client.persistentVolumeClaims.update({ ...claim, spec: { ...claim.spec, resources } });
  await settle();
}

test("a volume of the local provisioner grows, and its node is asked to follow", async () => {
  await grown({ "pv.kubernetes.io/provisioned-by": "flotilla.dev/local" });
  expect((await cluster.client.persistentVolumes.get("v")).spec?.capacity).toEqual({ storage: "2Gi" });
  expect((await cluster.client.persistentVolumeClaims.get("default", "c")).status).toMatchObject({
    capacity: { storage: "1Gi" },
    allocatedResources: { storage: "2Gi" },
    allocatedResourceStatuses: { storage: "NodeResizePending" },
    conditions: [{ type: "FileSystemResizePending", status: "True" }],
  });
});

test("any other is left to whoever can", async () => {
  await grown({});
  expect((await cluster.client.persistentVolumes.get("v")).spec?.capacity).toEqual({ storage: "1Gi" });
  expect(await cluster.eventsAbout("c")).toEqual([
    "ExternalExpanding: waiting for an external controller to expand this PVC",
  ]);
});
