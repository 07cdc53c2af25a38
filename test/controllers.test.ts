import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Deployment, Job, Node, Pod, ReplicaSet } from "../controlplane/api/mod.ts";
import { Client, isConflict, isNotFound, microTimestamp, timestamp } from "../controlplane/client/mod.ts";
import { type ControllerManager, startControllerManager } from "../controlplane/controllers/mod.ts";

// The controllers against the real API server; the test itself is the scheduler and the kubelets.

let folder: string;
let apiServer: ChildProcess;
let client: Client;
let manager: ControllerManager;
let rootCa: string;
const complaints: string[] = [];

function startManager(): Promise<ControllerManager> {
  return startControllerManager({
    kubeconfig: join(folder, "controller-manager.kubeconfig"),
    leaderElect: false,
    clusterCIDR: "10.244.0.0/16",
    rootCa,
    nodeMonitorGracePeriodMs: 3000,
    nodeMonitorPeriodMs: 500,
    log: (level, message, fields) => {
      if (level === "error") complaints.push(`${message} ${JSON.stringify(fields)}`);
    },
  });
}

beforeAll(async () => {
  // With Debian's etcd behind it where that is installed, without a store of its own elsewhere.
  const store = existsSync("/usr/bin/etcd") ? [] : ["--memory"];
  folder = mkdtempSync(join(tmpdir(), "flotilla-controllers-"));
  apiServer = spawn(process.execPath, ["scripts/dev-apiserver.ts", "--dir", folder, ...store], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const output = createInterface({ input: apiServer.stdout as NodeJS.ReadableStream });
  await new Promise<void>((resolve, reject) => {
    output.on("line", (line) => line.startsWith("export KUBECONFIG") && resolve());
    apiServer.once("exit", () => reject(new Error("the API server ended before it was ready")));
  });
  client = await Client.fromKubeconfig(join(folder, "kubeconfig"));
  rootCa = readFileSync(join(folder, "pki", "ca.crt"), "utf8");
  manager = await startManager();
  await manager.leading;
});

afterAll(async () => {
  await manager?.stop();
  await client?.close();
  if (apiServer?.exitCode === null) {
    apiServer.kill("SIGTERM");
    await once(apiServer, "exit");
  }
  rmSync(folder, { recursive: true, force: true });
  expect(complaints).toEqual([]);
});

let namespace: string;
let count = 0;
beforeEach(async () => {
  namespace = `t${++count}`;
  await client.namespaces.create({ metadata: { name: namespace } });
});

/** Looks again and again until it holds: the cluster converges, in its own time. Fails with the last complaint. */
async function eventually<T>(look: () => Promise<T>, timeoutMs = 15_000): Promise<T> {
  for (const deadline = Date.now() + timeoutMs; ; ) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

async function pods(labelSelector = ""): Promise<Pod[]> {
  return (await client.pods.list({ namespace, labelSelector })).items;
}

async function active(labelSelector = ""): Promise<Pod[]> {
  return (await pods(labelSelector)).filter(({ metadata, status }) => {
    return metadata.deletionTimestamp === undefined && status?.phase !== "Succeeded" && status?.phase !== "Failed";
  });
}

let addresses = 0;

/** As a kubelet would: the pod runs and is ready. */
async function makeReady(pod: Pod, ready = true): Promise<void> {
  const now = timestamp(Date.now());
  const podIP = pod.status?.podIP ?? `10.244.0.${++addresses % 250}`;
  const patch = {
    status: {
      phase: "Running",
      podIP,
      podIPs: [{ ip: podIP }],
      conditions: [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: now }],
    },
  };
  await client.pods
    .patch(namespace, pod.metadata.name, "strategic", patch, { subresource: "status" })
    .catch((error) => {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    });
}

async function finish(pod: Pod, phase: "Succeeded" | "Failed"): Promise<void> {
  const state = { terminated: { exitCode: phase === "Failed" ? 1 : 0, finishedAt: timestamp(Date.now() - 3_600_000) } };
  const containerStatuses = [{ name: "c", ready: false, restartCount: 0, image: "x", imageID: "x", state }];
  await client.pods.patch(
    namespace,
    pod.metadata.name,
    "strategic",
    { status: { phase, containerStatuses } },
    { subresource: "status" },
  );
}

/** Makes every pod ready as it appears, like nodes that work; reports what it sees after each round. */
function workingNodes(seen: (pods: Pod[]) => void = () => undefined): { stop(): Promise<void> } {
  let running = true;
  const work = (async () => {
    while (running) {
      const now = await active();
      seen(now);
      for (const pod of now) if (!isReady(pod)) await makeReady(pod);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    stop: () => {
      running = false;
      return work;
    },
  };
}

function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;
}

function deployment(replicas: number, more: Partial<Deployment["spec"]> = {}): Deployment {
  return {
    metadata: { name: "web", namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { name: "", labels: { app: "web" } },
        spec: { containers: [{ name: "c", image: "web:1" }] },
      },
      ...more,
    },
  };
}

function job(spec: Partial<Job["spec"]>): Job {
  const template = { spec: { restartPolicy: "Never" as const, containers: [{ name: "c", image: "x" }] } };
  return { metadata: { name: "work", namespace }, spec: { template, ...spec } };
}

async function setImage(image: string): Promise<void> {
  const patch = { spec: { template: { spec: { containers: [{ name: "c", image }] } } } };
  await client.deployments.patch(namespace, "web", "strategic", patch);
}

/** What `kubectl rollout status` waits for. */
async function rolledOut(replicas: number): Promise<Deployment> {
  return eventually(async () => {
    const current = await client.deployments.get(namespace, "web");
    const { status } = current;
    expect(status?.observedGeneration).toBe(current.metadata.generation);
    expect(status).toMatchObject({ updatedReplicas: replicas, replicas, availableReplicas: replicas });
    return current;
  });
}

async function replicaSets(): Promise<ReplicaSet[]> {
  return (await client.replicaSets.list({ namespace })).items;
}

describe("a Deployment", () => {
  test("comes up, heals, scales, and goes with all it owns", async () => {
    await client.deployments.create(deployment(3));
    const nodes = workingNodes();
    await rolledOut(3);
    const [victim] = await active();
    await client.pods.delete(namespace, victim?.metadata.name ?? "", { gracePeriodSeconds: 0 });
    await eventually(async () => {
      const now = await active();
      expect(now).toHaveLength(3);
      expect(now.some(({ metadata }) => metadata.uid === victim?.metadata.uid)).toBe(false);
    });
    await client.deployments.patch(namespace, "web", "merge", { spec: { replicas: 1 } });
    await rolledOut(1);
    await client.deployments.delete(namespace, "web", { propagationPolicy: "Background" });
    await eventually(async () => {
      expect(await replicaSets()).toEqual([]);
      expect(await pods()).toEqual([]);
    });
    await nodes.stop();
  });

  test("rolls with surge and availability kept at every moment, and back again", async () => {
    const rollingUpdate = { maxSurge: 1, maxUnavailable: 1 };
    await client.deployments.create(deployment(4, { strategy: { type: "RollingUpdate", rollingUpdate } }));
    let most = 0;
    let least = Number.POSITIVE_INFINITY;
    let watched = false;
    const nodes = workingNodes((now) => {
      if (!watched) return;
      most = Math.max(most, now.length);
      least = Math.min(least, now.filter(isReady).length);
    });
    await rolledOut(4);
    watched = true;
    await setImage("web:2");
    const second = await rolledOut(4);
    expect(second.metadata.annotations?.["deployment.kubernetes.io/revision"]).toBe("2");
    await setImage("web:1");
    const third = await rolledOut(4);
    expect(third.metadata.annotations?.["deployment.kubernetes.io/revision"]).toBe("3");
    await nodes.stop();
    expect(most).toBeLessThanOrEqual(5);
    expect(least).toBeGreaterThanOrEqual(3);
    expect(await replicaSets()).toHaveLength(2);
    const reasons = third.status?.conditions?.map(({ type, reason }) => `${type} ${reason}`);
    expect(reasons?.sort()).toEqual(["Available MinimumReplicasAvailable", "Progressing NewReplicaSetAvailable"]);
    const events = (await client.events.list({ namespace })).items.map(({ message }) => message);
    expect(events.some((message) => /^Scaled down replica set web-\w+ from 4 to 3$/.test(message ?? ""))).toBe(true);
  });

  test("goes on where it was after the controllers are restarted in the middle of a rollout", async () => {
    await client.deployments.create(deployment(4));
    const nodes = workingNodes();
    await rolledOut(4);
    await setImage("web:2");
    await manager.stop();
    manager = await startManager();
    await rolledOut(4);
    await nodes.stop();
    expect(await active("app=web")).toHaveLength(4);
  });
});

describe("a ReplicaSet", () => {
  test("adopts what it selects, and lets go what it does not select any more", async () => {
    const orphan = await client.pods.create({
      metadata: { name: "orphan", namespace, labels: { app: "web" } },
      spec: { containers: [{ name: "c", image: "x" }] },
    });
    const { selector, template } = deployment(2).spec;
    await client.replicaSets.create({ metadata: { name: "rs", namespace }, spec: { replicas: 2, selector, template } });
    const mine = await eventually(async () => {
      const now = await active("app=web");
      expect(now).toHaveLength(2);
      expect(now.every(({ metadata }) => metadata.ownerReferences?.[0]?.name === "rs")).toBe(true);
      return now;
    });
    expect(mine.map(({ metadata }) => metadata.uid)).toContain(orphan.metadata.uid);
    await client.pods.patch(namespace, "orphan", "merge", { metadata: { labels: { app: "other" } } });
    await eventually(async () => {
      expect(await active("app=web")).toHaveLength(2);
      expect((await client.pods.get(namespace, "orphan")).metadata.ownerReferences ?? []).toEqual([]);
    });
  });
});

describe("a Job", () => {
  test("runs so many pods at a time until enough have succeeded, each counted once", async () => {
    await client.jobs.create(job({ completions: 4, parallelism: 2, backoffLimit: 2 }));
    let failOnce = true;
    const done = await eventually(async () => {
      const now = await active();
      expect(now.length).toBeLessThanOrEqual(2);
      for (const pod of now) {
        await finish(pod, failOnce ? "Failed" : "Succeeded");
        failOnce = false;
      }
      const current = await client.jobs.get(namespace, "work");
      expect(current.status?.conditions?.map(({ type }) => type)).toEqual(["SuccessCriteriaMet", "Complete"]);
      return current;
    });
    expect(done.status).toMatchObject({ succeeded: 4, failed: 1 });
    expect(done.status?.completionTime).toBeDefined();
    for (const { metadata } of await pods()) expect(metadata.finalizers ?? []).toEqual([]);
  });

  test("whose pods fail too often fails, and stops what still runs", async () => {
    await client.jobs.create(job({ completions: 3, parallelism: 3, backoffLimit: 0 }));
    const [first] = await eventually(async () => {
      const now = await active();
      expect(now).toHaveLength(3);
      return now;
    });
    await finish(first as Pod, "Failed");
    await eventually(async () => {
      const { status } = await client.jobs.get(namespace, "work");
      expect(status?.conditions?.map(({ type, reason }) => `${type} ${reason}`)).toEqual([
        "FailureTarget BackoffLimitExceeded",
        "Failed BackoffLimitExceeded",
      ]);
      expect(status).toMatchObject({ failed: 3 });
      expect(status?.active ?? 0).toBe(0);
    });
  });

  test("that is indexed gives every pod its index, and every index one success", async () => {
    await client.jobs.create(job({ completions: 3, parallelism: 3, completionMode: "Indexed" }));
    const indexes = await eventually(async () => {
      const now = await active();
      expect(now).toHaveLength(3);
      return now.map(({ metadata }) => metadata.annotations?.["batch.kubernetes.io/job-completion-index"]).sort();
    });
    expect(indexes).toEqual(["0", "1", "2"]);
    for (const pod of await active()) await finish(pod, "Succeeded");
    await eventually(async () => {
      expect((await client.jobs.get(namespace, "work")).status).toMatchObject({
        succeeded: 3,
        completedIndexes: "0-2",
      });
    });
  });

  test("that is suspended runs nothing until it is resumed", async () => {
    await client.jobs.create(job({ completions: 1, suspend: true }));
    await eventually(async () => {
      const { status } = await client.jobs.get(namespace, "work");
      expect(status?.conditions).toMatchObject([{ type: "Suspended", status: "True" }]);
    });
    expect(await pods()).toEqual([]);
    await client.jobs.patch(namespace, "work", "merge", { spec: { suspend: false } });
    await eventually(async () => expect(await active()).toHaveLength(1));
    await client.jobs.patch(namespace, "work", "merge", { spec: { suspend: true } });
    await eventually(async () => {
      expect(await pods()).toEqual([]);
      expect((await client.jobs.get(namespace, "work")).status?.failed ?? 0).toBe(0);
    });
  });

  test("that is deleted while it runs takes its pods with it", async () => {
    await client.jobs.create(job({ completions: 2, parallelism: 2 }));
    await eventually(async () => expect(await active()).toHaveLength(2));
    await client.jobs.delete(namespace, "work", { propagationPolicy: "Background" });
    await eventually(async () => expect(await pods()).toEqual([]));
  });

  test("goes with its pods some time after it has finished", async () => {
    await client.jobs.create(job({ completions: 1, ttlSecondsAfterFinished: 1 }));
    const [pod] = await eventually(async () => {
      const now = await active();
      expect(now).toHaveLength(1);
      return now;
    });
    await finish(pod as Pod, "Succeeded");
    await eventually(async () => {
      await expect(client.jobs.get(namespace, "work")).rejects.toSatisfy(isNotFound);
      expect(await pods()).toEqual([]);
    });
  });
});

describe("a Service", () => {
  test("leads to the pods that are ready, in slices and in Endpoints", async () => {
    await client.services.create({
      metadata: { name: "web", namespace },
      spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: "web" }] },
    });
    const template = {
      metadata: { name: "", labels: { app: "web" } },
      spec: { containers: [{ name: "c", image: "x", ports: [{ name: "web", containerPort: 8080 }] }] },
    };
    await client.deployments.create(deployment(2, { template }));
    const [one, two] = await eventually(async () => {
      const now = await active();
      expect(now).toHaveLength(2);
      return now;
    });
    await makeReady(one as Pod);
    await makeReady(two as Pod, false);
    const ready = async () => {
      const { items } = await client.endpointSlices.list({
        namespace,
        labelSelector: "kubernetes.io/service-name=web",
      });
      const full = items.filter(({ endpoints }) => (endpoints ?? []).length > 0);
      expect(full).toMatchObject([{ addressType: "IPv4", ports: [{ name: "http", port: 8080, protocol: "TCP" }] }]);
      return (full[0]?.endpoints ?? []).map(({ conditions }) => conditions?.ready).sort();
    };
    await eventually(async () => expect(await ready()).toEqual([false, true]));
    await eventually(async () => {
      const { subsets } = await client.endpoints.get(namespace, "web");
      expect(subsets).toMatchObject([
        { addresses: [{}], notReadyAddresses: [{}], ports: [{ name: "http", port: 8080 }] },
      ]);
    });
    await makeReady((await client.pods.get(namespace, two?.metadata.name ?? "")) as Pod);
    await eventually(async () => expect(await ready()).toEqual([true, true]));
    await client.services.delete(namespace, "web");
    await eventually(async () => {
      expect((await client.endpointSlices.list({ namespace })).items).toEqual([]);
      await expect(client.endpoints.get(namespace, "web")).rejects.toSatisfy(isNotFound);
    });
  });
});

describe("a namespace", () => {
  test("has an account and the cluster's authority, and goes with everything in it", async () => {
    await eventually(async () => {
      await client.serviceAccounts.get(namespace, "default");
      expect((await client.configMaps.get(namespace, "kube-root-ca.crt")).data?.["ca.crt"]).toBe(rootCa);
    });
    await client.deployments.create(deployment(2));
    await client.configMaps.create({ metadata: { name: "held", namespace, finalizers: ["example.com/wait"] } });
    await eventually(async () => expect(await active()).toHaveLength(2));
    await client.namespaces.delete(namespace);
    await eventually(async () => {
      const { status } = await client.namespaces.get(namespace);
      const finalizers = status?.conditions?.find(({ type }) => type === "NamespaceFinalizersRemaining");
      expect(finalizers).toMatchObject({ status: "True", reason: "SomeFinalizerRemain" });
      expect(finalizers?.message).toContain("example.com/wait in 1 resource instances");
    });
    await client.configMaps.patch(namespace, "held", "merge", { metadata: { finalizers: null } });
    await eventually(() => expect(client.namespaces.get(namespace)).rejects.toSatisfy(isNotFound));
  });
});

describe("an owner", () => {
  const owned = async () => {
    const owner = await client.configMaps.create({ metadata: { name: "owner", namespace } });
    const reference = { apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: owner.metadata.uid ?? "" };
    const ownerReferences = [{ ...reference, blockOwnerDeletion: true }];
    await client.secrets.create({ metadata: { name: "owned", namespace, ownerReferences } });
  };

  test("deleted in the foreground waits for what it owns", async () => {
    await owned();
    await client.secrets.patch(namespace, "owned", "merge", { metadata: { finalizers: ["example.com/wait"] } });
    await client.configMaps.delete(namespace, "owner", { propagationPolicy: "Foreground" });
    await eventually(async () => {
      expect((await client.secrets.get(namespace, "owned")).metadata.deletionTimestamp).toBeDefined();
    });
    expect((await client.configMaps.get(namespace, "owner")).metadata.finalizers).toEqual(["foregroundDeletion"]);
    await client.secrets.patch(namespace, "owned", "merge", { metadata: { finalizers: null } });
    await eventually(() => expect(client.configMaps.get(namespace, "owner")).rejects.toSatisfy(isNotFound));
  });

  test("deleted as orphaning leaves what it owned, without its name", async () => {
    await owned();
    await client.configMaps.delete(namespace, "owner", { propagationPolicy: "Orphan" });
    await eventually(() => expect(client.configMaps.get(namespace, "owner")).rejects.toSatisfy(isNotFound));
    expect((await client.secrets.get(namespace, "owned")).metadata.ownerReferences ?? []).toEqual([]);
  });

  test("that never existed takes what names it with it", async () => {
    const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "ghost", uid: "no-such-uid" }];
    await client.secrets.create({ metadata: { name: "owned", namespace, ownerReferences } });
    await eventually(() => expect(client.secrets.get(namespace, "owned")).rejects.toSatisfy(isNotFound));
  });
});

describe("a node", () => {
  test("gets addresses for its pods; silent, it is unknown, tainted, and its pods leave", async () => {
    const conditions = (): NonNullable<Node["status"]>["conditions"] => {
      const now = timestamp(Date.now());
      return [
        { type: "Ready", status: "True", reason: "KubeletReady", lastHeartbeatTime: now, lastTransitionTime: now },
      ];
    };
    for (const name of ["quiet", "alive"]) {
      await client.nodes.create({ metadata: { name }, spec: {} });
      await client.nodes.patch(name, "strategic", { status: { conditions: conditions() } }, { subresource: "status" });
    }
    const spec = () => ({ holderIdentity: "alive", leaseDurationSeconds: 40, renewTime: microTimestamp(Date.now()) });
    let lease = await client.leases.create({ metadata: { name: "alive", namespace: "kube-node-lease" }, spec: spec() });
    const failures: unknown[] = [];
    const beating = setInterval(async () => {
      try {
        lease = await client.leases.update({ ...lease, spec: spec() });
      } catch (error) {
        failures.push(error);
      }
    }, 300);
    try {
      const ranges = await eventually(async () => {
        const found = (await client.nodes.list()).items.map(({ spec }) => spec?.podCIDR);
        expect(found.every((range) => /^10\.244\.\d+\.0\/24$/.test(range ?? ""))).toBe(true);
        return found;
      });
      expect(new Set(ranges).size).toBe(2);
      await client.pods.create({
        metadata: { name: "p", namespace },
        spec: {
          nodeName: "quiet",
          containers: [{ name: "c", image: "x" }],
          tolerations: [
            { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds: 1 },
          ],
        },
      });
      await makeReady(await client.pods.get(namespace, "p"));
      await eventually(async () => {
        const { status, spec } = await client.nodes.get("quiet");
        const ready = status?.conditions?.find(({ type }) => type === "Ready");
        expect(ready).toMatchObject({ status: "Unknown", reason: "NodeStatusUnknown" });
        const taints = spec?.taints?.map(({ key, effect }) => `${key} ${effect}`).sort();
        expect(taints).toEqual([
          "node.kubernetes.io/unreachable NoExecute",
          "node.kubernetes.io/unreachable NoSchedule",
        ]);
      });
      await eventually(async () => {
        const pod = await client.pods.get(namespace, "p");
        expect(isReady(pod)).toBe(false);
        expect(pod.metadata.deletionTimestamp).toBeDefined();
      });
      expect(failures).toEqual([]);
      const alive = await client.nodes.get("alive");
      expect(alive.spec?.taints ?? []).toEqual([]);
    } finally {
      clearInterval(beating);
    }
  });
});
