import { afterEach, describe, expect, test } from "vitest";
import { seededRandom, VirtualClock } from "../../base/mod.ts";
import type { Deployment } from "../api/mod.ts";
import { elapse, settle } from "../client/elapse.testing.ts";
import { FakeApiServer } from "../client/fake.testing.ts";
import { isNotFound, type Transport, TransportError } from "../client/mod.ts";
import { type ControllerManager, startControllerManager } from "./start.ts";

const started: ControllerManager[] = [];
afterEach(async () => {
  for (const manager of started.splice(0)) await manager.stop();
});

async function setUp() {
  const clock = new VirtualClock();
  const server = new FakeApiServer(clock);
  const random = seededRandom(1);
  const client = server.client({ random });
  for (const name of ["default", "kube-system"]) await client.namespaces.create({ metadata: { name } });
  const logged: string[] = [];
  const start = async (leaderElect = false) => {
    const manager = await startControllerManager({
      client: server.client({ random }),
      clock,
      random,
      leaderElect,
      rootCa: "PEM",
      clusterCIDR: "10.244.0.0/16",
      log: (level, message) => logged.push(`${level} ${message}`),
    });
    started.push(manager);
    await settle();
    return manager;
  };
  return { clock, server, client, logged, start };
}

const web: Deployment = {
  metadata: { name: "web", namespace: "default" },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { name: "", labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "x" }] } },
  },
};

async function podCount(client: ReturnType<FakeApiServer["client"]>): Promise<number> {
  return (await client.pods.list()).items.length;
}

test("from a Deployment to its pods, and back to nothing", async () => {
  const { clock, client, start } = await setUp();
  await start();
  await client.deployments.create(structuredClone(web));
  await elapse(clock, 2000, 100);
  expect(await podCount(client)).toBe(3);
  await client.deployments.delete("default", "web", { propagationPolicy: "Background" });
  await elapse(clock, 2000, 100);
  expect(await podCount(client)).toBe(0);
  expect((await client.replicaSets.list()).items).toEqual([]);
});

test("every namespace gets its account and the cluster's authority, and nodes their ranges", async () => {
  const { clock, client, start } = await setUp();
  await start();
  await client.namespaces.create({ metadata: { name: "late" } });
  await client.nodes.create({ metadata: { name: "n1" }, spec: {} });
  await elapse(clock, 1000, 100);
  for (const namespace of ["default", "late"]) {
    await client.serviceAccounts.get(namespace, "default");
    expect((await client.configMaps.get(namespace, "kube-root-ca.crt")).data).toEqual({ "ca.crt": "PEM" });
  }
  expect((await client.nodes.get("n1")).spec).toMatchObject({ podCIDR: "10.244.0.0/24", podCIDRs: ["10.244.0.0/24"] });
});

test("a namespace that is deleted takes all it holds with it, and is gone", async () => {
  const { clock, client, start } = await setUp();
  await start();
  await client.namespaces.create({ metadata: { name: "doomed" } });
  const inside = { ...structuredClone(web), metadata: { name: "web", namespace: "doomed" } };
  await client.deployments.create(inside);
  await elapse(clock, 1000, 100);
  await client.namespaces.delete("doomed");
  await elapse(clock, 5000, 100);
  await expect(client.namespaces.get("doomed")).rejects.toSatisfy(isNotFound);
  expect((await client.pods.list({ namespace: "doomed" })).items).toEqual([]);
});

describe("when the server refuses", () => {
  test("pods cannot be created: the set says so, and tries less and less often until it can", async () => {
    const { clock, server, client, start } = await setUp();
    let refused = 0;
    server.intercept = ({ method, path }) => {
      if (method !== "POST" || !path.startsWith("/api/v1/namespaces/default/pods")) return undefined;
      refused++;
      return {
        kind: "Status",
        metadata: {},
        status: "Failure",
        code: 403,
        reason: "Forbidden",
        message: "exceeded quota",
      };
    };
    await start();
    await client.deployments.create(structuredClone(web));
    await elapse(clock, 60_000, 250);
    expect(refused).toBeGreaterThan(3);
    expect(refused, "growing delays").toBeLessThan(40);
    const [replicaSet] = (await client.replicaSets.list()).items;
    expect(replicaSet?.status?.conditions).toMatchObject([{ type: "ReplicaFailure", reason: "FailedCreate" }]);
    const failures = (await client.deployments.get("default", "web")).status?.conditions;
    expect(failures?.find(({ type }) => type === "ReplicaFailure")?.message).toBe("exceeded quota");
    server.intercept = () => undefined;
    await elapse(clock, 200_000, 1000);
    expect(await podCount(client)).toBe(3);
  });

  test("one controller's calls fail: the others go on", async () => {
    const { clock, server, client, logged, start } = await setUp();
    server.intercept = ({ path }) => {
      if (!path.includes("serviceaccounts") || path.includes("limit=") || path.includes("watch=")) return undefined;
      return { kind: "Status", metadata: {}, status: "Failure", code: 500, reason: "InternalError", message: "no" };
    };
    await start();
    await client.deployments.create(structuredClone(web));
    await elapse(clock, 5000, 100);
    expect(await podCount(client)).toBe(3);
    expect(logged).toContain("warn serviceaccount-controller: reconcile failed");
  });
});

describe("two of them", () => {
  test("work one after the other: the second begins when the first has stopped", async () => {
    const { clock, client, start } = await setUp();
    const first = await start(true);
    await elapse(clock, 1000, 100);
    await first.leading;
    const second = await start(true);
    let secondLeads = false;
    void second.leading.then(() => {
      secondLeads = true;
    });
    await elapse(clock, 30_000, 500);
    expect(secondLeads).toBe(false);
    await first.stop();
    await client.deployments.create(structuredClone(web));
    await elapse(clock, 10_000, 100);
    expect(secondLeads).toBe(true);
    expect(await podCount(client)).toBe(3);
  });

  test("the leader is cut off: it stops by itself before the other begins, and nothing happens twice", async () => {
    const { clock, server, client, logged } = await setUp();
    const writers: string[] = [];
    const cut = new Set<string>();
    const startAs = async (name: string) => {
      const transport: Transport = {
        request(request) {
          if (cut.has(name)) throw new TransportError("cut off", { code: "ECONNREFUSED", sent: false });
          if (request.method !== "GET" && !request.path.includes("/leases")) writers.push(name);
          return server.request(request);
        },
        close: () => Promise.resolve(),
      };
      let lost = 0;
      const manager = await startControllerManager({
        client: server.client({ random: seededRandom(1), transport }),
        clock,
        random: seededRandom(name === "first" ? 1 : 2),
        log: (level, message) => logged.push(`${level} ${name} ${message}`),
        onLeadershipLost: () => {
          lost = clock.monotonic();
        },
      });
      started.push(manager);
      await settle();
      return { manager, lostAtMs: () => lost };
    };
    const first = await startAs("first");
    await elapse(clock, 1000, 100);
    await first.manager.leading;
    const second = await startAs("second");
    let leadsAtMs = 0;
    void second.manager.leading.then(() => {
      leadsAtMs = clock.monotonic();
    });
    await client.deployments.create(structuredClone(web));
    await elapse(clock, 2000, 100);
    expect(await podCount(client)).toBe(3);
    // A short silence of the server is survived: the Lease is renewed as soon as it answers.
    cut.add("first");
    await elapse(clock, 6000, 250);
    cut.delete("first");
    await elapse(clock, 20_000, 250);
    expect(first.lostAtMs()).toBe(0);
    expect(leadsAtMs).toBe(0);

    cut.add("first");
    const cutAtMs = clock.monotonic();
    await client.deployments.patch("default", "web", "merge", { spec: { replicas: 5 } });
    await elapse(clock, 40_000, 250);
    expect(first.lostAtMs() - cutAtMs).toBeLessThanOrEqual(12_500);
    expect(leadsAtMs).toBeGreaterThan(first.lostAtMs());
    expect(leadsAtMs - cutAtMs).toBeLessThan(25_000);
    expect(await podCount(client)).toBe(5);
    // The former leader hears again and does nothing more.
    cut.delete("first");
    writers.length = 0;
    await client.deployments.patch("default", "web", "merge", { spec: { replicas: 2 } });
    await elapse(clock, 5000, 250);
    expect(new Set(writers)).toEqual(new Set(["second"]));
    expect(await podCount(client)).toBe(2);
  });
});
