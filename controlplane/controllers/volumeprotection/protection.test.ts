import { afterEach, beforeEach, expect, test } from "vitest";
import type { Pod } from "../../api/mod.ts";
import { settle } from "../../client/elapse.testing.ts";
import { isNotFound } from "../../client/mod.ts";
import { TestCluster } from "../common/cluster.testing.ts";
import { ClaimProtection } from "./claims.ts";
import { VolumeProtection } from "./volumes.ts";

let cluster: TestCluster;
beforeEach(async () => {
  cluster = new TestCluster();
  await cluster.start((context) => [new ClaimProtection(context), new VolumeProtection(context)]);
});
afterEach(() => cluster.stop());

const user = (volume: NonNullable<Pod["spec"]["volumes"]>[number], nodeName?: string): Pod => ({
  metadata: { name: "web", namespace: "default" },
  spec: { nodeName, containers: [], volumes: [volume] },
});

const claim = () => cluster.client.persistentVolumeClaims.get("default", "web-data");

test.each([
  ["by name", { name: "data", persistentVolumeClaim: { claimName: "web-data" } }],
  ["for an ephemeral volume", { name: "data", ephemeral: {} }],
])("a claim that a pod uses %s goes when the pod has ended", async (_, volume) => {
  await cluster.client.persistentVolumeClaims.create({
    metadata: { name: "web-data", namespace: "default" },
    spec: {},
  });
  const pod = await cluster.client.pods.create(user(volume, "n1"));
  await settle();
  expect((await claim()).metadata.finalizers).toEqual(["kubernetes.io/pvc-protection"]);
  await cluster.client.persistentVolumeClaims.delete("default", "web-data");
  await settle();
  expect((await claim()).metadata.deletionTimestamp).toBeDefined();
  await cluster.setStatus(pod, "Succeeded");
  await settle();
  await expect(claim()).rejects.toSatisfy(isNotFound);
});

test("a pod without a node keeps no claim", async () => {
  await cluster.client.persistentVolumeClaims.create({
    metadata: { name: "web-data", namespace: "default" },
    spec: {},
  });
  await cluster.client.pods.create(user({ name: "data", persistentVolumeClaim: { claimName: "web-data" } }));
  await settle();
  await cluster.client.persistentVolumeClaims.delete("default", "web-data");
  await settle();
  await expect(claim()).rejects.toSatisfy(isNotFound);
});

test("a bound volume goes when it is bound no more", async () => {
  const volumes = cluster.client.persistentVolumes;
  const created = await volumes.create({ metadata: { name: "v" }, spec: {}, status: { phase: "Bound" } });
  await settle();
  await volumes.delete(created.metadata.name ?? "");
  await settle();
  const held = await volumes.get("v");
  expect(held.metadata.finalizers).toEqual(["kubernetes.io/pv-protection"]);
  await volumes.updateStatus({ ...held, status: { phase: "Released" } });
  await settle();
  await expect(volumes.get("v")).rejects.toSatisfy(isNotFound);
});
