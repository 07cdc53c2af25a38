import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Pod, StatefulSet } from "../../api/mod.ts";
import { TestCluster, webTemplate } from "../common/cluster.testing.ts";
import { StatefulSetController } from "./controller.ts";

let cluster: TestCluster;
beforeEach(() => {
  cluster = new TestCluster();
});
afterEach(() => cluster.stop());

function web(spec: Partial<StatefulSet["spec"]> = {}): StatefulSet {
  return {
    metadata: { name: "web", namespace: "default" },
    spec: {
      replicas: 3,
      serviceName: "web",
      selector: { matchLabels: { app: "web" } },
      template: webTemplate(),
      podManagementPolicy: "OrderedReady",
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
      revisionHistoryLimit: 10,
      ...spec,
    },
  };
}

async function start(spec: Partial<StatefulSet["spec"]> = {}, rounds = 8): Promise<void> {
  await cluster.start((context) => new StatefulSetController(context));
  await cluster.client.statefulSets.create(web(spec));
  await cluster.run(rounds);
}

async function change(spec: Partial<StatefulSet["spec"]>): Promise<void> {
  await cluster.client.statefulSets.patch("default", "web", "merge", { spec });
}

async function theSet(): Promise<StatefulSet> {
  return cluster.client.statefulSets.get("default", "web");
}

const imageOf = (pod: Pod) => pod.spec.containers[0]?.image;
const names = () => cluster.pods.map(({ metadata }) => metadata.name);
const images = () => cluster.pods.map((pod) => `${pod.metadata.name} ${imageOf(pod)}`);

/** Names of pods in the order in which they were created and deleted. */
function story(): string[] {
  return cluster.server.requests
    .filter((request) => /^(POST|DELETE) .*\/pods(\/|$|\?)/.test(request))
    .map((request) => request.replace(/ .*\/pods\/?/, " ").trim());
}

describe("ordered", () => {
  test("each pod waits for the one before it; each knows its name", async () => {
    cluster.fate = (pod) => (pod.metadata.name === "web-1" ? undefined : "ready");
    await start();
    expect(names()).toEqual(["web-0", "web-1"]);
    cluster.fate = () => "ready";
    await cluster.run(3);
    expect(names()).toEqual(["web-0", "web-1", "web-2"]);
    const { status } = await theSet();
    expect(cluster.pods[2]).toMatchObject({
      metadata: {
        labels: {
          app: "web",
          "controller-revision-hash": status?.updateRevision,
          "statefulset.kubernetes.io/pod-name": "web-2",
          "apps.kubernetes.io/pod-index": "2",
        },
      },
      spec: { hostname: "web-2", subdomain: "web" },
    });
    expect(status).toMatchObject({
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
    });
    expect(status?.currentRevision).toBe(status?.updateRevision);
    expect(await cluster.eventsAbout("web")).toContain(
      "SuccessfulCreate: create Pod web-2 in StatefulSet web successful",
    );
  });

  test("shrinks from the top, one at a time", async () => {
    await start();
    await change({ replicas: 1 });
    await cluster.run(1);
    expect(names()).toEqual(["web-0", "web-1"]);
    await cluster.run(3);
    expect(names()).toEqual(["web-0"]);
  });

  test("ordinals may start elsewhere", async () => {
    await start({ replicas: 2, ordinals: { start: 5 } });
    expect(names()).toEqual(["web-5", "web-6"]);
  });

  test("a pod becomes available only after minReadySeconds", async () => {
    await start({ replicas: 2, minReadySeconds: 5 }, 4);
    expect(names()).toEqual(["web-0"]);
    await cluster.run(6);
    expect(names()).toEqual(["web-0", "web-1"]);
  });
});

test("in parallel nobody waits", async () => {
  cluster.fate = () => undefined;
  await start({ podManagementPolicy: "Parallel", replicas: 5 }, 1);
  expect(names()).toEqual(["web-0", "web-1", "web-2", "web-3", "web-4"]);
  await change({ replicas: 1 });
  await cluster.run(2);
  expect(names()).toEqual(["web-0"]);
});

test("pods that failed or ended are made again", async () => {
  await start({ replicas: 1 });
  const [before] = cluster.pods;
  await cluster.setStatus(before as Pod, "Failed");
  await cluster.run(4);
  expect(cluster.pods[0]?.status?.phase).toBe("Running");
  expect(cluster.pods[0]?.metadata.uid).not.toBe(before?.metadata.uid);
  expect(await cluster.eventsAbout("web")).toContain(
    "RecreatingFailedPod: StatefulSet default/web is recreating failed Pod web-0",
  );
});

describe("a new template", () => {
  test("goes from the highest ordinal down, one at a time, and becomes the current revision", async () => {
    await start();
    const before = (await theSet()).status?.currentRevision;
    cluster.server.requests.length = 0;
    await change({ template: webTemplate("v2") });
    await cluster.run(12);
    expect(images()).toEqual(["web-0 v2", "web-1 v2", "web-2 v2"]);
    const deleted = story().filter((it) => it.startsWith("DELETE"));
    expect([...new Set(deleted)]).toEqual(["DELETE web-2", "DELETE web-1", "DELETE web-0"]);
    const { status } = await theSet();
    expect(status?.currentRevision).toBe(status?.updateRevision);
    expect(status?.currentRevision).not.toBe(before);
  });

  test("stops at the partition; pods below it are made anew from the old revision", async () => {
    await start();
    const rollingUpdate = { partition: 2 };
    await change({ template: webTemplate("v2"), updateStrategy: { type: "RollingUpdate", rollingUpdate } });
    await cluster.run(8);
    expect(images()).toEqual(["web-0 v1", "web-1 v1", "web-2 v2"]);
    await cluster.client.pods.delete("default", "web-0");
    await cluster.run(4);
    expect(images()).toEqual(["web-0 v1", "web-1 v1", "web-2 v2"]);
    const { status } = await theSet();
    expect(status).toMatchObject({ updatedReplicas: 1, currentReplicas: 2 });
    expect(status?.currentRevision).not.toBe(status?.updateRevision);
  });

  test("takes as many at once as may be unavailable", async () => {
    await start({ replicas: 5, podManagementPolicy: "Parallel" });
    cluster.fate = () => undefined;
    const rollingUpdate = { maxUnavailable: "40%" };
    await change({ template: webTemplate("v2"), updateStrategy: { type: "RollingUpdate", rollingUpdate } });
    await cluster.run(4);
    expect(images()).toEqual(["web-0 v1", "web-1 v1", "web-2 v1", "web-3 v2", "web-4 v2"]);
  });

  test("with OnDelete waits for somebody to delete the pods", async () => {
    await start({ updateStrategy: { type: "OnDelete" } });
    await change({ template: webTemplate("v2") });
    await cluster.run(5);
    expect(images()).toEqual(["web-0 v1", "web-1 v1", "web-2 v1"]);
    await cluster.client.pods.delete("default", "web-1");
    await cluster.run(4);
    expect(images()).toEqual(["web-0 v1", "web-1 v2", "web-2 v1"]);
  });

  test("that is taken back makes its old revision the newest", async () => {
    await start();
    await change({ template: webTemplate("v2") });
    await cluster.run(12);
    await change({ template: webTemplate("v1") });
    await cluster.run(12);
    expect(images()).toEqual(["web-0 v1", "web-1 v1", "web-2 v1"]);
    const revisions = (await cluster.client.controllerRevisions.list()).items;
    expect(revisions.map(({ revision }) => revision).sort()).toEqual([2, 3]);
  });

  test("that never becomes ready stops, and its rollback waits until somebody deletes the stuck pod", async () => {
    await start();
    cluster.fate = (pod) => (imageOf(pod) === "broken" ? undefined : "ready");
    await change({ template: webTemplate("broken") });
    await cluster.run(6);
    expect(images()).toEqual(["web-0 v1", "web-1 v1", "web-2 broken"]);
    await change({ template: webTemplate("v1") });
    await cluster.run(6);
    expect(images()).toEqual(["web-0 v1", "web-1 v1", "web-2 broken"]);
    await cluster.client.pods.delete("default", "web-2");
    await cluster.run(4);
    expect(images()).toEqual(["web-0 v1", "web-1 v1", "web-2 v1"]);
  });

  test("leaves as many old revisions as the limit says", async () => {
    await start({ replicas: 1, revisionHistoryLimit: 1 });
    for (const image of ["v2", "v3", "v4"]) {
      await change({ template: webTemplate(image) });
      await cluster.run(6);
    }
    const revisions = (await cluster.client.controllerRevisions.list()).items;
    expect(revisions.map(({ revision }) => revision).sort()).toEqual([3, 4]);
  });
});

describe("claims", () => {
  const volumeClaimTemplates = [{ metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"] } }];
  const claimNames = async () =>
    (await cluster.client.persistentVolumeClaims.list()).items.map(({ metadata }) =>
      `${metadata.name} ${(metadata.ownerReferences ?? []).map(({ kind }) => kind)}`.trim(),
    );

  test("one per pod and template, named after both; they stay when the set shrinks", async () => {
    await start({ replicas: 2, volumeClaimTemplates });
    expect(await claimNames()).toEqual(["data-web-0", "data-web-1"]);
    expect(cluster.pods[1]?.spec.volumes).toEqual([
      { name: "data", persistentVolumeClaim: { claimName: "data-web-1" } },
    ]);
    await change({ replicas: 0 });
    await cluster.run(5);
    expect(await claimNames()).toEqual(["data-web-0", "data-web-1"]);
  });

  test("that are to go belong to who takes them along: the set, or the pod that is about to go", async () => {
    const persistentVolumeClaimRetentionPolicy = { whenDeleted: "Delete", whenScaled: "Delete" };
    await start({ replicas: 2, volumeClaimTemplates, persistentVolumeClaimRetentionPolicy });
    expect(await claimNames()).toEqual(["data-web-0 StatefulSet", "data-web-1 StatefulSet"]);
    await change({ replicas: 1 });
    await cluster.run(3);
    expect(names()).toEqual(["web-0"]);
    expect(await claimNames()).toEqual(["data-web-0 StatefulSet", "data-web-1 Pod"]);
    // Until the garbage collector has taken the claim of the pod before, the next pod of that name waits.
    await change({ replicas: 2 });
    await cluster.run(3);
    expect(names()).toEqual(["web-0"]);
    await cluster.client.persistentVolumeClaims.delete("default", "data-web-1");
    await cluster.run(4);
    expect(names()).toEqual(["web-0", "web-1"]);
  });
});

test("orphans with its labels and names are adopted, others are not", async () => {
  const orphan = (name: string): Pod => ({
    metadata: { name, namespace: "default", labels: { app: "web" } },
    spec: webTemplate().spec,
  });
  await cluster.client.pods.create(orphan("web-0"));
  await cluster.client.pods.create(orphan("stranger"));
  await start({ replicas: 1, updateStrategy: { type: "OnDelete" } });
  const owners = cluster.pods.map(({ metadata }) => `${metadata.name} ${metadata.ownerReferences?.[0]?.name}`);
  expect(owners).toEqual(["stranger undefined", "web-0 web"]);
});
