import { describe, expect, test } from "vitest";
import type { Pod } from "../api/mod.ts";
import { isAlreadyExists, isConflict, isExpired, isNotFound } from "./api-error.ts";
import { FakeApiServer } from "./fake.testing.ts";

function pod(name: string, labels: Record<string, string> = {}): Pod {
  return { metadata: { name, namespace: "default", labels }, spec: { containers: [] } };
}

describe("verbs", () => {
  test("an object is created, read, replaced, patched and deleted", async () => {
    const client = new FakeApiServer().client();
    const created = await client.pods.create(pod("a"));
    expect(created).toMatchObject({ apiVersion: "v1", kind: "Pod", metadata: { name: "a" } });
    expect(await client.pods.get("default", "a")).toEqual(created);

    const updated = await client.pods.update({ ...created, spec: { ...created.spec, nodeName: "n1" } });
    expect(updated.metadata.generation).toBe(2);
    const patched = await client.pods.patch("default", "a", "merge", { metadata: { labels: { tier: "web" } } });
    expect(patched.metadata.labels).toEqual({ tier: "web" });

    await client.pods.delete("default", "a", { gracePeriodSeconds: 0 });
    await expect(client.pods.get("default", "a")).rejects.toSatisfy(isNotFound);
  });

  test("refusals are told apart by their reason", async () => {
    const client = new FakeApiServer().client();
    const first = await client.pods.create(pod("a"));
    await expect(client.pods.create(pod("a"))).rejects.toSatisfy(isAlreadyExists);
    await client.pods.patch("default", "a", "merge", { spec: { nodeName: "n1" } });
    await expect(client.pods.update(first)).rejects.toSatisfy(isConflict);
    await expect(client.pods.update(first)).rejects.not.toSatisfy(isAlreadyExists);
  });

  test("lists select by label and field, and name the kind of their items", async () => {
    const client = new FakeApiServer().client();
    await client.pods.create(pod("a", { app: "x" }));
    await client.pods.create(pod("b", { app: "y" }));
    const byLabel = await client.pods.list({ namespace: "default", labelSelector: "app in (x)" });
    expect(byLabel.items.map((it) => it.metadata.name)).toEqual(["a"]);
    expect(byLabel.items[0]?.kind).toBe("Pod");
    const byField = await client.pods.list({ fieldSelector: "metadata.name=b" });
    expect(byField.items.map((it) => it.metadata.name)).toEqual(["b"]);
  });

  test("the status changes apart from the rest", async () => {
    const client = new FakeApiServer().client();
    const created = await client.pods.create(pod("a"));
    const after = await client.pods.updateStatus({
      ...created,
      spec: { containers: [], nodeName: "n9" },
      status: { phase: "Running" },
    });
    expect(after.status?.phase).toBe("Running");
    expect(after.spec.nodeName).toBeUndefined();
  });

  test("a pod is bound once", async () => {
    const client = new FakeApiServer().client();
    await client.pods.create(pod("a"));
    const binding = { metadata: { name: "a" }, target: { kind: "Node", name: "n1" } };
    await client.bind("default", "a", binding);
    expect((await client.pods.get("default", "a")).spec.nodeName).toBe("n1");
    await expect(client.bind("default", "a", binding)).rejects.toSatisfy(isConflict);
  });
});

describe("watch", () => {
  test("tells what exists, then what changes, and stops when aborted", async () => {
    const client = new FakeApiServer().client();
    await client.pods.create(pod("a"));
    const aborter = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { type, object } of client.pods.watch({ namespace: "default", signal: aborter.signal })) {
        seen.push(`${type} ${object.metadata.name}`);
        if (seen.length === 1) await client.pods.create(pod("b"));
        if (seen.length === 2) await client.pods.delete("default", "a");
        if (seen.length === 3) aborter.abort(new Error("enough"));
      }
    })();
    await expect(watching).rejects.toThrow("enough");
    expect(seen).toEqual(["ADDED a", "ADDED b", "DELETED a"]);
  });

  test("an object that stops to match a selector is deleted for its watchers", async () => {
    const client = new FakeApiServer().client();
    const created = await client.pods.create(pod("a", { app: "x" }));
    await client.pods.patch("default", "a", "merge", { metadata: { labels: { app: "y" } } });
    const { resourceVersion } = created.metadata;
    for await (const { type } of client.pods.watch({ labelSelector: "app=x", resourceVersion })) {
      expect(type).toBe("DELETED");
      break;
    }
  });

  test("history that is gone ends it with 410", async () => {
    const server = new FakeApiServer();
    const client = server.client();
    const created = await client.pods.create(pod("a"));
    await client.pods.create(pod("b"));
    server.store.compact();
    const watch = client.pods.watch({ resourceVersion: created.metadata.resourceVersion });
    await expect(watch.next()).rejects.toSatisfy(isExpired);
  });
});
