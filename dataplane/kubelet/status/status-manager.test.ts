import { beforeEach, expect, test } from "vitest";
import { VirtualClock } from "../../../base/mod.ts";
import type { Pod } from "../../../controlplane/api/mod.ts";
import { FakeApiServer } from "../../../controlplane/client/fake.testing.ts";
import type { Client } from "../../../controlplane/client/mod.ts";
import { pod } from "../pod/pod.testing.ts";
import { StatusManager } from "./status-manager.ts";

let clock: VirtualClock;
let server: FakeApiServer;
let client: Client;
let manager: StatusManager;
let web: Pod;

beforeEach(async () => {
  clock = new VirtualClock();
  server = new FakeApiServer(clock);
  client = server.client();
  manager = new StatusManager(client, clock, () => undefined);
  const { uid: _uid, ...metadata } = pod().metadata;
  web = await client.pods.create({ ...pod({ nodeName: "n1" }), metadata });
  server.requests.length = 0;
});

const writes = () => server.requests.filter((request) => !request.startsWith("GET"));
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

test("writes what changed, once, and not what did not", async () => {
  manager.set(web, { phase: "Pending", hostIP: "1.1.1.1" });
  manager.set(web, { phase: "Running", hostIP: "1.1.1.1" });
  manager.set(web, { phase: "Running", hostIP: "1.1.1.1" });
  await settle();
  // The first is on its way when the second comes; the third says nothing new.
  expect(writes().length).toBeLessThanOrEqual(2);
  expect((await client.pods.get("default", "web")).status).toMatchObject({ phase: "Running", hostIP: "1.1.1.1" });
  server.requests.length = 0;
  manager.set(web, { phase: "Running", hostIP: "1.1.1.1" });
  await settle();
  expect(writes()).toEqual([]);
});

test("tries again while the API server refuses, with the newest state", async () => {
  let refused = 0;
  server.intercept = (request) => {
    if (request.method !== "PATCH" || refused++ > 1) return undefined;
    return {
      apiVersion: "v1",
      kind: "Status",
      metadata: {},
      status: "Failure",
      code: 500,
      message: "etcd is away",
      reason: "InternalError",
    };
  };
  manager.set(web, { phase: "Pending" });
  await settle();
  manager.set(web, { phase: "Running" });
  for (let i = 0; i < 3; i++) {
    clock.advance(2_000);
    await settle();
  }
  expect((await client.pods.get("default", "web")).status?.phase).toBe("Running");
});

test("deletes a pod for good only when it was asked to go and nothing of it is left", async () => {
  manager.finish(web);
  await settle();
  expect(writes()).toEqual([]);
  const going = (await client.pods.delete("default", "web", { gracePeriodSeconds: 30 })) as Pod;
  manager.observe(going);
  await settle();
  await expect(client.pods.get("default", "web")).rejects.toMatchObject({ code: 404 });
});

test("a pod that was asked to go stays while something of it is left", async () => {
  manager.set(web, { phase: "Running" });
  const going = (await client.pods.delete("default", "web", { gracePeriodSeconds: 30 })) as Pod;
  manager.observe(going);
  await settle();
  expect((await client.pods.get("default", "web")).status?.phase).toBe("Running");
  manager.finish(going);
  await settle();
  await expect(client.pods.get("default", "web")).rejects.toMatchObject({ code: 404 });
});

test("does not touch another pod of the same name", async () => {
  const going = (await client.pods.delete("default", "web", { gracePeriodSeconds: 30 })) as Pod;
  await client.pods.delete("default", "web", { gracePeriodSeconds: 0 });
  const { uid: _uid, ...metadata } = pod().metadata;
  const next = await client.pods.create({ ...pod({ nodeName: "n1" }), metadata });
  expect(next.metadata.uid).not.toBe(web.metadata.uid);
  manager.finish(going);
  await settle();
  expect((await client.pods.get("default", "web")).metadata.uid).toBe(next.metadata.uid);
});
