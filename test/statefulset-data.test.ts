// What a StatefulSet promises: its pods keep their names, their addresses by name and their data, whatever happens to processes.
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestCluster } from "./support/cluster.ts";
import { eventually } from "./support/eventually.ts";
import { killNode } from "./support/kill-node.ts";

interface Pod {
  metadata: { name: string; uid: string; deletionTimestamp?: string };
  spec: { nodeName: string };
  status: { podIP?: string; conditions?: { type: string; status: string }[] };
}

const cluster = new TestCluster();
const kubectl = (...args: string[]) => cluster.kubectl(...args);
const replicas = 3;
const names = Array.from({ length: replicas }, (_, ordinal) => `db-${ordinal}`);

/** Appends its name and hostname to its disk each time it starts, and tells what is there. */
const server = `
const { appendFileSync, readFileSync } = require("node:fs");
appendFileSync("/data/log", process.env.POD + " on " + require("node:os").hostname() + "\\n");
require("node:http").createServer((_, response) => response.end(readFileSync("/data/log"))).listen(8080);
process.on("SIGTERM", () => process.exit(0));`;

const manifest = JSON.stringify({
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "db" },
      spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ port: 8080 }] },
    },
    {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name: "db" },
      spec: {
        serviceName: "db",
        replicas,
        selector: { matchLabels: { app: "db" } },
        template: {
          metadata: { labels: { app: "db" } },
          spec: {
            terminationGracePeriodSeconds: 2,
            containers: [
              {
                name: "db",
                image: "host",
                command: ["node", "-e", server],
                env: [{ name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
                readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 },
                volumeMounts: [{ name: "data", mountPath: "/data" }],
              },
            ],
          },
        },
        volumeClaimTemplates: [
          {
            metadata: { name: "data" },
            spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Mi" } } },
          },
        ],
      },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "client" },
      spec: { containers: [{ name: "c", image: "host", command: ["sleep", "100000"] }] },
    },
  ],
});

const pods = async () => (await cluster.get<{ items: Pod[] }>("pods", "-l", "app=db")).items;
const allReady = () =>
  eventually(
    "all pods of the set are ready",
    async () => {
      const found = await pods();
      const ready = found.filter(
        ({ metadata, status }) =>
          metadata.deletionTimestamp === undefined &&
          status.conditions?.some(({ type, status }) => type === "Ready" && status === "True"),
      );
      return found.length === replicas && ready.length === replicas ? found : undefined;
    },
    60_000,
    200,
  );

/** What each pod answers under its own DNS name, to a client in another pod. */
async function logsByName(): Promise<string[][]> {
  const script = `Promise.all(${JSON.stringify(names)}.map((name) => fetch("http://" + name + ".db:8080/", { signal: AbortSignal.timeout(3000) }).then((one) => one.text()))).then((all) => console.log(JSON.stringify(all)))`;
  const text = await eventually("every pod answers under its name", async () => {
    const { code, stdout, stderr } = await cluster.tryKubectl(["exec", "client", "--", "node", "-e", script]);
    return code === 0 ? stdout : Promise.reject(new Error(stderr));
  });
  return (JSON.parse(text) as string[]).map((log) => log.trim().split("\n"));
}

/** As often as it has started, each pod has written its own name to its own disk. */
const written = (starts: readonly number[]) =>
  names.map((name, ordinal) => Array.from({ length: starts[ordinal] ?? 0 }, () => `${name} on ${name}`));
const volumes = async () =>
  (await cluster.get<{ items: { metadata: { name: string }; spec: { volumeName: string } }[] }>("pvc")).items.map(
    ({ metadata, spec }) => `${metadata.name} ${spec.volumeName}`,
  );

let claims: string[];
beforeAll(async () => {
  await cluster.up("--members", "1");
  await cluster.apply(manifest);
  await allReady();
  claims = await volumes();
});
afterAll(() => cluster.remove());

test("each pod has a claim, a hostname and a DNS name of its own", async () => {
  expect(claims.map((one) => one.split(" ")[0])).toEqual(names.map((name) => `data-${name}`));
  expect(await logsByName()).toEqual(written([1, 1, 1]));
});

test("a pod that is deleted comes back under its name with its data", async () => {
  const before = (await pods()).map(({ metadata }) => metadata.uid);
  await kubectl("delete", "pod", "db-1");
  const after = await allReady();
  expect(after.map(({ metadata }) => metadata.uid).filter((uid) => before.includes(uid))).toHaveLength(replicas - 1);
  expect(await logsByName()).toEqual(written([1, 2, 1]));
});

test("a node whose processes are killed loses nothing, and its pods are nowhere else meanwhile", async () => {
  const before = await allReady();
  const { nodeName } = before.find(({ metadata }) => metadata.name === "db-2")?.spec ?? { nodeName: "" };
  await killNode(cluster, nodeName);
  const starts = [1, 2, 1].map((count, ordinal) => count + Number(before[ordinal]?.spec.nodeName === nodeName));
  await eventually(
    "what was on the node has started again",
    async () => JSON.stringify(await logsByName()) === JSON.stringify(written(starts)),
  );
  const after = await allReady();
  expect(after.map(({ metadata, spec }) => [metadata.uid, spec.nodeName])).toEqual(
    before.map(({ metadata, spec }) => [metadata.uid, spec.nodeName]),
  );
  expect(await volumes()).toEqual(claims);
});

test("a cluster that is stopped and started has everything as it was", async () => {
  const before = await logsByName();
  await cluster.flotilla("stop");
  await cluster.flotilla("start");
  await allReady();
  expect(await volumes()).toEqual(claims);
  await eventually("each has started once more", async () => {
    const now = await logsByName();
    return now.every((log, ordinal) => log.length === (before[ordinal]?.length ?? 0) + 1);
  });
  expect(await logsByName()).toEqual(before.map((log, ordinal) => [...log, `${names[ordinal]} on ${names[ordinal]}`]));
});
