import { describe, expect, test } from "vitest";
import { seededRandom, VirtualClock } from "../../base/mod.ts";
import type { Pod } from "../api/mod.ts";
import { elapse, settle } from "./elapse.testing.ts";
import { FakeApiServer } from "./fake.testing.ts";
import { Informer } from "./informer.ts";

function pod(name: string, owner?: string): Pod {
  const ownerReferences =
    owner === undefined
      ? undefined
      : [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "rs", uid: owner, controller: true }];
  return { metadata: { name, namespace: "default", ownerReferences }, spec: { containers: [] } };
}

function setUp() {
  const clock = new VirtualClock();
  const server = new FakeApiServer(clock);
  const client = server.client({ random: seededRandom(1) });
  const warnings: string[] = [];
  const informer = new Informer(client.pods, {
    clock,
    random: seededRandom(1),
    log: (level, message) => {
      if (level !== "debug") warnings.push(message);
    },
  });
  const told: string[] = [];
  informer.addHandler({
    onAdd: ({ metadata }) => told.push(`add ${metadata.name}`),
    onUpdate: (_, { metadata }) => told.push(`update ${metadata.name}`),
    onDelete: ({ metadata }) => told.push(`delete ${metadata.name}`),
  });
  const aborter = new AbortController();
  return { clock, server, client, informer, told, warnings, aborter };
}

test("what exists, what comes, what changes and what goes is in the store before the handlers hear of it", async () => {
  const { client, informer, told, aborter } = setUp();
  await client.pods.create(pod("a"));
  informer.addHandler({ onAdd: ({ metadata }) => expect(informer.lister.get("default", metadata.name)).toBeDefined() });
  const running = informer.run(aborter.signal);
  await informer.synced();
  expect(informer.hasSynced).toBe(true);
  await client.pods.create(pod("b"));
  await client.pods.patch("default", "a", "merge", { metadata: { labels: { x: "y" } } });
  await client.pods.delete("default", "b");
  await settle();
  expect(told).toEqual(["add a", "add b", "update a", "delete b"]);
  expect(informer.lister.list().map(({ metadata }) => metadata.name)).toEqual(["a"]);
  aborter.abort();
  await running;
});

test("objects are found by namespace, by owner, and by what was asked for", async () => {
  const { client, informer, aborter } = setUp();
  informer.addIndex("initial", ({ metadata }) => [metadata.name.slice(0, 1)]);
  void informer.run(aborter.signal);
  await client.pods.create(pod("apple", "u1"));
  await client.pods.create(pod("avocado"));
  await client.pods.create(pod("pear", "u1"));
  await settle();
  const names = (pods: Pod[]) => pods.map(({ metadata }) => metadata.name).sort();
  expect(names(informer.lister.ownedBy("u1"))).toEqual(["apple", "pear"]);
  expect(names(informer.lister.byIndex("initial", "a"))).toEqual(["apple", "avocado"]);
  await client.pods.delete("default", "apple");
  await settle();
  expect(names(informer.lister.ownedBy("u1"))).toEqual(["pear"]);
  expect(informer.lister.inNamespace("other")).toEqual([]);
  aborter.abort();
});

describe("after the watch was lost", () => {
  test("it resumes where it was, and lists nothing again", async () => {
    const { clock, server, client, informer, told, aborter } = setUp();
    void informer.run(aborter.signal);
    await informer.synced();
    await client.pods.create(pod("a"));
    await settle();
    server.store.closeWatches();
    await client.pods.create(pod("b"));
    await elapse(clock, 5_000, 500);
    expect(told).toEqual(["add a", "add b"]);
    expect(server.requests.filter((request) => request.includes("limit="))).toHaveLength(1);
    aborter.abort();
  });

  test("and history is gone, it lists again and tells only what changed", async () => {
    const { clock, server, client, informer, told, aborter } = setUp();
    for (const name of ["stays", "changes", "goes"]) await client.pods.create(pod(name));
    void informer.run(aborter.signal);
    await informer.synced();
    told.length = 0;
    server.down = true;
    server.store.closeWatches();
    await settle();
    server.down = false;
    await client.pods.patch("default", "changes", "merge", { metadata: { labels: { x: "y" } } });
    await client.pods.delete("default", "goes");
    await client.pods.create(pod("comes"));
    server.store.compact();
    await elapse(clock, 20_000, 500);
    expect(told.sort()).toEqual(["add comes", "delete goes", "update changes"]);
    aborter.abort();
  });

  test("an object that was replaced by another of its name is told as deleted and added", async () => {
    const { clock, server, client, informer, told, aborter } = setUp();
    await client.pods.create(pod("a"));
    void informer.run(aborter.signal);
    await informer.synced();
    told.length = 0;
    server.down = true;
    server.store.closeWatches();
    await settle();
    server.down = false;
    await client.pods.delete("default", "a");
    await client.pods.create(pod("a"));
    server.store.compact();
    await elapse(clock, 20_000, 500);
    expect(told).toEqual(["delete a", "add a"]);
    aborter.abort();
  });
});

test("while the server is away it tries less and less often, and recovers", async () => {
  const { clock, server, client, informer, warnings, aborter } = setUp();
  server.down = true;
  void informer.run(aborter.signal);
  await elapse(clock, 60_000, 100);
  const tries = server.requests.length;
  expect(warnings.length).toBeGreaterThan(1);
  expect(tries, "growing delays").toBeLessThan(130);
  server.down = false;
  await client.pods.create(pod("a"));
  await elapse(clock, 70_000, 1000);
  expect(informer.hasSynced).toBe(true);
  expect(informer.lister.size).toBe(1);
  aborter.abort();
});

test("a handler that throws is logged and keeps nothing from the others", async () => {
  const { client, informer, told, warnings, aborter } = setUp();
  informer.addHandler({
    onAdd: () => {
      throw new Error("oops");
    },
  });
  void informer.run(aborter.signal);
  await client.pods.create(pod("a"));
  await settle();
  expect(told).toEqual(["add a"]);
  expect(warnings).toEqual(["an informer's handler failed"]);
  aborter.abort();
});
