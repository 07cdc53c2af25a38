import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestCluster } from "./support/cluster.ts";
import { eventually } from "./support/eventually.ts";

interface Pod {
  metadata: {
    name: string;
    uid: string;
    labels: Record<string, string>;
    creationTimestamp: string;
    deletionTimestamp?: string;
  };
  spec: { nodeName?: string; containers: { env?: { name: string; value?: string }[] }[] };
  status: { phase: string };
}

const cluster = new TestCluster();
const kubectl = (...args: string[]) => cluster.kubectl(...args);

beforeAll(() => cluster.up("--members", "1"));
afterAll(() => cluster.remove());

const pods = async (app: string) => (await cluster.get<{ items: Pod[] }>("pods", "-l", `app=${app}`)).items;
const names = async (app: string) => (await pods(app)).map(({ metadata }) => metadata.name).sort();
const versionOf = (pod: Pod) => pod.spec.containers[0]?.env?.find(({ name }) => name === "VERSION")?.value;
const versions = async (app: string) => (await pods(app)).map((pod) => `${pod.metadata.name} ${versionOf(pod)}`).sort();

/** A pod that says its host name and then does nothing until it is told to end, which it does at once. */
function template(app: string, version: string): string {
  return `
    metadata: { labels: { app: ${app} } }
    spec:
      terminationGracePeriodSeconds: 2
      containers:
        - name: main
          image: host
          command: [sh, -c, 'hostname; trap "exit 0" TERM; while :; do sleep 0.2; done']
          env: [{ name: VERSION, value: ${version} }]`;
}

function workload(kind: "StatefulSet" | "DaemonSet", app: string, version: string, more = ""): string {
  return `
apiVersion: apps/v1
kind: ${kind}
metadata: { name: ${app} }
spec:
  selector: { matchLabels: { app: ${app} } }
  ${more}
  template:${template(app, version)}`;
}

async function rolledOut(what: string): Promise<string> {
  return kubectl("rollout", "status", what, "--timeout=60s");
}

describe("a StatefulSet", () => {
  const web = (version: string) => workload("StatefulSet", "web", version, "serviceName: web\n  replicas: 2");

  test("comes up in order and scales at its end", async () => {
    await cluster.apply(web("v1"));
    expect(await rolledOut("statefulset/web")).toMatch(/complete|rolling update/);
    const [first, second] = (await pods("web")).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    expect([first?.metadata.name, second?.metadata.name]).toEqual(["web-0", "web-1"]);
    expect(Date.parse(second?.metadata.creationTimestamp ?? "")).toBeGreaterThanOrEqual(
      Date.parse(first?.metadata.creationTimestamp ?? ""),
    );
    expect(second?.metadata.labels).toMatchObject({
      "statefulset.kubernetes.io/pod-name": "web-1",
      "apps.kubernetes.io/pod-index": "1",
    });
    expect(await kubectl("logs", "web-1")).toBe("web-1\n");
    await kubectl("scale", "statefulset/web", "--replicas=3");
    await rolledOut("statefulset/web");
    expect(await names("web")).toEqual(["web-0", "web-1", "web-2"]);
    await kubectl("scale", "statefulset/web", "--replicas=2");
    await eventually("the last pod is gone", async () => (await names("web")).join() === "web-0,web-1");
  });

  test("rolls from the top down, remembers, and is rolled back", async () => {
    await cluster.apply(web("v2"));
    await rolledOut("statefulset/web");
    expect(await versions("web")).toEqual(["web-0 v2", "web-1 v2"]);
    const [zero, one] = (await pods("web")).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    expect(Date.parse(zero?.metadata.creationTimestamp ?? "")).toBeGreaterThanOrEqual(
      Date.parse(one?.metadata.creationTimestamp ?? ""),
    );
    expect(await kubectl("rollout", "history", "statefulset/web")).toMatch(/REVISION[\s\S]*\n1 [\s\S]*\n2 /);
    expect(await kubectl("rollout", "history", "statefulset/web", "--revision=1")).toMatch(/VERSION:\s+v1/);
    expect(await kubectl("rollout", "undo", "statefulset/web")).toContain("rolled back");
    await rolledOut("statefulset/web");
    expect(await versions("web")).toEqual(["web-0 v1", "web-1 v1"]);
    expect(await kubectl("rollout", "history", "statefulset/web")).toMatch(/\n2 [\s\S]*\n3 /);
  });

  test("restarts, and takes its pods with it", async () => {
    const before = (await pods("web")).map(({ metadata }) => metadata.uid);
    await kubectl("rollout", "restart", "statefulset/web");
    await rolledOut("statefulset/web");
    for (const { metadata } of await pods("web")) expect(before).not.toContain(metadata.uid);
    await kubectl("delete", "statefulset/web");
    await eventually("all pods are gone", async () => (await pods("web")).length === 0);
  });
});

describe("a DaemonSet", () => {
  const where = async () => (await pods("agent")).map((pod) => `${pod.spec.nodeName} ${versionOf(pod)}`).sort();
  let nodes: string[];

  test("has a pod on every node", async () => {
    nodes = (await cluster.get<{ items: Pod[] }>("nodes")).items.map(({ metadata }) => metadata.name).sort();
    await cluster.apply(workload("DaemonSet", "agent", "v1"));
    expect(await rolledOut("daemonset/agent")).toContain("successfully rolled out");
    expect(await where()).toEqual(nodes.map((node) => `${node} v1`));
    const { status } = await cluster.get<{ status: Record<string, unknown> }>("daemonset", "agent");
    expect(status).toMatchObject({
      desiredNumberScheduled: 2,
      currentNumberScheduled: 2,
      updatedNumberScheduled: 2,
      numberAvailable: 2,
    });
  });

  test("rolls node after node, and back", async () => {
    await cluster.apply(workload("DaemonSet", "agent", "v2"));
    expect(await rolledOut("daemonset/agent")).toContain("successfully rolled out");
    expect(await where()).toEqual(nodes.map((node) => `${node} v2`));
    await kubectl("rollout", "undo", "daemonset/agent", "--to-revision=1");
    expect(await rolledOut("daemonset/agent")).toContain("successfully rolled out");
    expect(await where()).toEqual(nodes.map((node) => `${node} v1`));
    expect(await kubectl("rollout", "history", "daemonset/agent")).toMatch(/\n2 [\s\S]*\n3 /);
  });

  test("leaves a node that no longer wants it", async () => {
    await kubectl("taint", "node", nodes[1] as string, "away=true:NoExecute");
    await eventually("one pod is left", async () => (await where()).join() === `${nodes[0]} v1`);
    await kubectl("taint", "node", nodes[1] as string, "away-");
    expect(await rolledOut("daemonset/agent")).toContain("successfully rolled out");
    expect(await where()).toHaveLength(2);
    await kubectl("delete", "daemonset/agent");
  });
});

test("an Indexed Job whose index 1 fails does the rest, and has told each pod its index", async () => {
  await cluster.apply(`
apiVersion: batch/v1
kind: Job
metadata: { name: shards }
spec:
  completions: 3
  parallelism: 3
  completionMode: Indexed
  backoffLimitPerIndex: 0
  podFailurePolicy:
    rules: [{ action: FailIndex, onExitCodes: { operator: In, values: [42] } }]
  template:
    metadata: { labels: { app: shards } }
    spec:
      restartPolicy: Never
      containers:
        - name: main
          image: host
          command: [sh, -c, 'echo "$(hostname) $JOB_COMPLETION_INDEX"; [ $JOB_COMPLETION_INDEX != 1 ] || exit 42']`);
  await kubectl("wait", "--for=condition=failed", "job/shards", "--timeout=60s");
  const { status } = await cluster.get<{ status: Record<string, unknown> }>("job", "shards");
  expect(status).toMatchObject({ succeeded: 2, failed: 1, completedIndexes: "0,2", failedIndexes: "1" });
  const said = await kubectl("logs", "-l", "app=shards", "--tail=-1");
  expect(said.trim().split("\n").sort()).toEqual(["shards-0 0", "shards-1 1", "shards-2 2"]);
});

test("a Job made by hand of a CronJob runs, and belongs to it", async () => {
  await kubectl("create", "cronjob", "nightly", "--image=host", "--schedule=0 3 * * *", "--", "echo", "done");
  await kubectl("create", "job", "now", "--from=cronjob/nightly");
  await kubectl("wait", "--for=condition=complete", "job/now", "--timeout=60s");
  expect(await kubectl("logs", "job/now")).toBe("done\n");
  await kubectl("delete", "cronjob", "nightly");
  await eventually("its Job is gone with it", async () => (await cluster.tryKubectl(["get", "job", "now"])).code !== 0);
});

test("a ReplicationController keeps its number of pods", async () => {
  await cluster.apply(`
apiVersion: v1
kind: ReplicationController
metadata: { name: old }
spec:
  replicas: 1
  template:${template("old", "v1")}`);
  await kubectl("scale", "rc/old", "--replicas=2");
  await eventually("two pods are ready", async () => {
    const { status } = await cluster.get<{ status: { readyReplicas?: number } }>("rc", "old");
    return status.readyReplicas === 2;
  });
  await kubectl("delete", "rc/old");
});
