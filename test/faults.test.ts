import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestCluster } from "./support/cluster.ts";
import { eventually } from "./support/eventually.ts";
import { leftovers } from "./support/leftovers.ts";

const cluster = new TestCluster();
const kubectl = (...args: string[]) => cluster.kubectl(...args);
const control = ["etcd-1", "etcd-2", "etcd-3", "apiserver", "controller-manager", "scheduler"];
const components = [...control, "node-1", "node-2", "ingress"];

beforeAll(async () => {
  await cluster.up();
  await kubectl("create", "deployment", "steady", "--image=host", "--replicas=4", "--", "sleep", "100000");
  await kubectl("rollout", "status", "deployment/steady", "--timeout=60s");
});
afterAll(() => cluster.remove());

interface Answer {
  readonly status: number;
  readonly afterMs: number;
}

/** POSTs ConfigMaps with the administrator's certificate, one connection kept alive. */
async function creator() {
  const pki = (name: string) => readFileSync(join(cluster.root, "pki", name));
  const agent = new Agent({ ca: pki("ca.crt"), cert: pki("admin.crt"), key: pki("admin.key"), keepAlive: true });
  const where = new URL((await cluster.status()).components.find(({ name }) => name === "apiserver")?.where ?? "");
  return (name: string): Promise<Answer> =>
    new Promise((resolve) => {
      const startedAt = performance.now();
      const done = (status: number) => resolve({ status, afterMs: performance.now() - startedAt });
      const call = request(
        {
          agent,
          host: where.hostname,
          port: where.port,
          method: "POST",
          path: "/api/v1/namespaces/default/configmaps",
          headers: { "content-type": "application/json" },
          timeout: 20_000,
        },
        (response) => {
          response.resume();
          response.on("end", () => done(response.statusCode ?? 0));
        },
      );
      call.on("timeout", () => call.destroy(new Error("timed out")));
      call.on("error", () => done(0)); // Unknown: it may or may not have been written.
      call.end(JSON.stringify({ metadata: { name, labels: { batch: "creates" } } }));
    });
}

const allHealthy = () =>
  eventually("everything runs and is Ready", async () => (await cluster.status()).healthy, 60_000, 200);

describe("killing", () => {
  test("the store's leader during 500 creates: none that was acknowledged is missing, and writes go on within 3 s", async () => {
    const create = await creator();
    const leader = await cluster.storeLeader();
    const pid = await cluster.pidOf(leader);
    const acknowledged: string[] = [];
    const gaps: number[] = [];
    let lastSuccess = performance.now();
    let killed = false;
    for (let i = 0; i < 500; i++) {
      if (i === 200) {
        process.kill(pid, "SIGKILL");
        killed = true;
      }
      const name = `created-${i}`;
      const { status } = await create(name);
      if (status !== 201) continue;
      acknowledged.push(name);
      gaps.push(performance.now() - lastSuccess);
      lastSuccess = performance.now();
    }
    expect(killed).toBe(true);
    expect(acknowledged.length).toBeGreaterThan(450);
    expect(Math.max(...gaps), "the longest time without a successful write").toBeLessThan(3000);
    const names = (await kubectl("get", "configmaps", "-l", "batch=creates", "-o", "name")).trim().split("\n");
    const present = new Set(names.map((name) => name.replace("configmap/", "")));
    expect(acknowledged.filter((name) => !present.has(name))).toEqual([]);
    await allHealthy();
    expect(await cluster.storeLeader()).toBeDefined();
  });

  test.each(components)("%s: it is back, and the cluster does its work", async (component) => {
    const before = await cluster.pidOf(component);
    process.kill(before, "SIGKILL");
    await eventually("it runs again", async () => {
      const now = (await cluster.status()).components.find(({ name }) => name === component)?.pid;
      return now !== undefined && now !== before;
    });
    await allHealthy();
    const name = `after-${component}`;
    await eventually("the API answers", async () => {
      await kubectl("create", "deployment", name, "--image=host", "--replicas=2", "--", "sleep", "100000");
      return true;
    });
    await kubectl("rollout", "status", `deployment/${name}`, "--timeout=60s");
    await kubectl("delete", "deployment", name);
  });

  test("a node agent does not end its pods", async () => {
    const restarts = async () => {
      const { items } = await cluster.get<{
        items: { metadata: { uid: string }; status: { containerStatuses?: { restartCount: number }[] } }[];
      }>("pods", "-l", "app=steady");
      return items
        .map(({ metadata, status }) => `${metadata.uid} ${status.containerStatuses?.[0]?.restartCount}`)
        .sort();
    };
    const before = await restarts();
    for (const node of ["node-1", "node-2"]) process.kill(await cluster.pidOf(node), "SIGKILL");
    await delay(500);
    await allHealthy();
    expect(await restarts()).toEqual(before);
  });

  test("every process, then start: all objects and revisions are there, and the pods run again", async () => {
    const revisions = async () => {
      const { items } = await cluster.get<{
        items: { metadata: { name: string; uid: string; resourceVersion: string } }[];
      }>("configmaps,secrets,services");
      return items.map(({ metadata }) => `${metadata.uid} ${metadata.name} ${metadata.resourceVersion}`).sort();
    };
    const before = await revisions();
    expect(before.length).toBeGreaterThan(450);
    const status = await cluster.status();
    for (const pid of [status.supervisor, ...status.components.map((component) => component.pid)]) {
      if (pid !== undefined) process.kill(pid, "SIGKILL");
    }
    await eventually("nothing runs", async () =>
      (await cluster.status()).components.every(({ pid }) => pid === undefined),
    );
    await cluster.flotilla("start");
    expect(await revisions()).toEqual(before);
    await kubectl("rollout", "status", "deployment/steady", "--timeout=60s");
    await eventually("four running pods", async () => {
      const { items } = await cluster.get<{
        items: { status: { phase: string; conditions: { type: string; status: string }[] } }[];
      }>("pods", "-l", "app=steady");
      return (
        items.filter(({ status: { conditions } }) =>
          conditions?.some(({ type, status: on }) => type === "Ready" && on === "True"),
        ).length === 4
      );
    });
    await kubectl("create", "deployment", "fresh", "--image=host", "--", "sleep", "100000");
    await kubectl("rollout", "status", "deployment/fresh", "--timeout=60s");
  });

  test("the supervisor and the node agents, then down: nothing is left of the pods they ran", async () => {
    const groups: string[] = [];
    for (const nodeName of ["node-1", "node-2"]) {
      const command = ["sh", "-c", "cat /proc/self/cgroup; sleep 100000"];
      const spec = { nodeName, containers: [{ name: "c", image: "host", command }] };
      const name = `last-on-${nodeName}`;
      await cluster.apply(JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec }));
      await kubectl("wait", "--for=condition=Ready", `pod/${name}`, "--timeout=60s");
      // The node's control group is named after a digest, which no other word would find.
      groups.push(...new Set((await kubectl("logs", name)).match(/flotilla-[0-9a-f]{16}/g)));
    }
    const words = [cluster.name, cluster.root, ...groups];
    expect(leftovers(words)).not.toEqual([]);
    const { supervisor } = await cluster.status();
    for (const pid of [supervisor, await cluster.pidOf("node-1"), await cluster.pidOf("node-2")]) {
      if (pid !== undefined) process.kill(pid, "SIGKILL");
    }
    await cluster.flotilla("down");
    expect(leftovers(words)).toEqual([]);
    expect(await cluster.flotilla("down")).toContain("nothing to remove");
  });
});
