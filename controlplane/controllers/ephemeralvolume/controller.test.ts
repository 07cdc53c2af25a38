import { afterEach, beforeEach, expect, test } from "vitest";
import type { Pod } from "../../api/mod.ts";
import { settle } from "../../client/elapse.testing.ts";
import { TestCluster } from "../common/cluster.testing.ts";
import { EphemeralVolumeController } from "./controller.ts";

let cluster: TestCluster;
beforeEach(async () => {
  cluster = new TestCluster();
  await cluster.start((context) => new EphemeralVolumeController(context));
});
afterEach(() => cluster.stop());

const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
const pod: Pod = {
  metadata: { name: "web", namespace: "default" },
  spec: {
    containers: [],
    volumes: [{ name: "scratch", ephemeral: { volumeClaimTemplate: { metadata: { labels: { a: "b" } }, spec } } }],
  },
};

test("a claim is made of the template, owned by the pod, and made again when somebody deletes it", async () => {
  const { metadata } = await cluster.client.pods.create(structuredClone(pod));
  await settle();
  const claims = cluster.client.persistentVolumeClaims;
  expect(await claims.get("default", "web-scratch")).toMatchObject({
    metadata: { labels: { a: "b" }, ownerReferences: [{ kind: "Pod", uid: metadata.uid, controller: true }] },
    spec,
  });
  await claims.delete("default", "web-scratch");
  await settle();
  await claims.get("default", "web-scratch");
});

test("a claim of that name that is not the pod's is left alone, and the pod is told", async () => {
  await cluster.client.persistentVolumeClaims.create({ metadata: { name: "web-scratch", namespace: "default" }, spec });
  await settle();
  await cluster.client.pods.create(structuredClone(pod));
  expect(await cluster.eventsAbout("web")).toContain(
    "FailedBinding: ephemeral volume scratch: PVC default/web-scratch was not created for pod default/web (pod is not owner)",
  );
});
