import { describe, expect, test } from "vitest";
import { configMap, TestApi } from "../api.testing.ts";
import { decodeContinue } from "../storage/continue-token.ts";

const maps = "/api/v1/namespaces/default/configmaps";
const names = (body: { items: { metadata: { name: string } }[] }) => body.items.map(({ metadata }) => metadata.name);

async function withMaps(...created: string[]): Promise<TestApi> {
  const api = await TestApi.open();
  for (const name of created) await api.request("POST", maps, configMap(name));
  return api;
}

describe("lists", () => {
  test("come in pages that all show the revision of the first, whatever is written in between", async () => {
    const api = await withMaps("a", "b", "c", "d", "e");
    const first = await api.request("GET", `${maps}?limit=2`);
    expect(names(first.body)).toEqual(["a", "b"]);
    expect(first.body.metadata.remainingItemCount).toBe(3);
    const token = first.body.metadata.continue;
    expect(decodeContinue(token)).toEqual({ rv: Number(first.body.metadata.resourceVersion), start: "b\0" });

    await api.request("POST", maps, configMap("bb"));
    await api.request("DELETE", `${maps}/d`);
    const second = await api.request("GET", `${maps}?limit=2&continue=${token}`);
    expect(names(second.body)).toEqual(["c", "d"]);
    expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
    const last = await api.request("GET", `${maps}?limit=2&continue=${second.body.metadata.continue}`);
    expect(names(last.body)).toEqual(["e"]);
    expect(last.body.metadata.continue).toBeUndefined();
  });

  test("with a selector fill their pages with what matches, and do not know how much remains", async () => {
    const api = await TestApi.open();
    for (const name of ["a", "b", "c", "d"])
      await api.request("POST", maps, configMap(name, {}, { odd: String(name === "a" || name === "c") }));
    const { body } = await api.request("GET", `${maps}?limit=1&labelSelector=odd%3Dtrue`);
    expect(names(body)).toEqual(["a"]);
    expect(body.metadata.remainingItemCount).toBeUndefined();
    const next = await api.request(
      "GET",
      `${maps}?limit=1&labelSelector=odd%3Dtrue&continue=${body.metadata.continue}`,
    );
    expect(names(next.body)).toEqual(["c"]);
    expect((await api.request("GET", `${maps}?fieldSelector=metadata.name%3Db`)).body.items).toHaveLength(1);
  });

  test("a token whose revision was compacted is answered 410 with one that goes on without it", async () => {
    const api = await withMaps("a", "b", "c");
    const { body } = await api.request("GET", `${maps}?limit=1`);
    await api.request("POST", maps, configMap("d"));
    await api.store.compact(await api.store.revision());
    const expired = await api.request("GET", `${maps}?limit=10&continue=${body.metadata.continue}`);
    expect(expired).toMatchObject({ code: 410, body: { reason: "Expired" } });
    const rest = await api.request("GET", `${maps}?limit=10&continue=${expired.body.metadata.continue}`);
    expect(names(rest.body)).toEqual(["b", "c", "d"]);
  });

  test("at an exact revision show what was, or say that it is gone", async () => {
    const api = await withMaps("a");
    const { body: then } = await api.request("GET", maps);
    await api.request("POST", maps, configMap("b"));
    const exact = `resourceVersion=${then.metadata.resourceVersion}&resourceVersionMatch=Exact`;
    expect(names((await api.request("GET", `${maps}?${exact}`)).body)).toEqual(["a"]);
    await api.store.compact(await api.store.revision());
    expect((await api.request("GET", `${maps}?${exact}`)).code).toBe(410);
  });

  test("of a revision that is still to come are waited for, for three seconds", async () => {
    const api = await withMaps("a");
    await api.request("GET", maps);
    const future = (await api.store.revision()) + 1;
    const waiting = api.request("GET", `${maps}?resourceVersion=${future}&resourceVersionMatch=NotOlderThan`);
    await api.request("POST", maps, configMap("b"));
    expect(names((await waiting).body)).toEqual(["a", "b"]);

    const refused = api.request("GET", `${maps}?resourceVersion=${future + 1000}`);
    await Promise.resolve();
    for (let i = 0; i < 40; i++) {
      api.clock.advance(100);
      await new Promise(setImmediate);
    }
    expect(await refused).toMatchObject({
      code: 504,
      body: {
        message: `Too large resource version: ${future + 1000}, current: ${future}`,
        details: { retryAfterSeconds: 1 },
      },
    });
  });

  test.each([
    ["resourceVersionMatch=Exact", 422],
    ["resourceVersion=0&resourceVersionMatch=Exact", 422],
    ["resourceVersion=5&resourceVersionMatch=Other", 422],
    ["sendInitialEvents=true&resourceVersionMatch=NotOlderThan", 422],
    ["resourceVersion=x", 400],
    ["continue=x", 400],
    ["labelSelector=a%20in", 400],
    ["fieldSelector=spec.x%3D1", 400],
  ])("refuse %s with %i", async (query, code) => {
    const api = await TestApi.open();
    expect((await api.request("GET", `${maps}?${query}`)).code).toBe(code);
  });

  test("are tables or metadata for those who ask", async () => {
    const api = await TestApi.open();
    await api.request("POST", maps, configMap("a", { x: "1" }));
    const as = (form: string) => ({
      headers: { accept: `application/json;as=${form};v=v1;g=meta.k8s.io,application/json` },
    });
    const table = (await api.request("GET", maps, undefined, as("Table"))).body;
    expect(table.columnDefinitions[0]).toMatchObject({ name: "Name", format: "name" });
    expect(table.rows).toMatchObject([
      { cells: ["a", 1, expect.anything()], object: { kind: "PartialObjectMetadata" } },
    ]);
    const { body } = await api.request("GET", maps, undefined, as("PartialObjectMetadataList"));
    expect(body).toMatchObject({ kind: "PartialObjectMetadataList", items: [{ metadata: { name: "a" } }] });
    expect(body.items[0].data).toBeUndefined();
    const none = await api.request("GET", maps, undefined, {
      headers: { accept: "application/vnd.kubernetes.protobuf" },
    });
    expect(none.code).toBe(406);
  });
});

describe("watches", () => {
  test("resume after any revision of the recent past: each change once, in order", async () => {
    const api = await withMaps("a");
    const { body } = await api.request("GET", maps);
    await api.request("PATCH", `${maps}/a`, { data: { x: "1" } });
    const watch = await api.watch(`${maps}?watch=true&resourceVersion=${body.metadata.resourceVersion}`);
    await api.request("POST", maps, configMap("b"));
    await api.request("DELETE", `${maps}/a`);
    const events = await watch.next(3);
    expect(events.map(({ type, object }) => [type, object.metadata.name])).toEqual([
      ["MODIFIED", "a"],
      ["ADDED", "b"],
      ["DELETED", "a"],
    ]);
    const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    expect(events[2]?.object.data).toEqual({ x: "1" });
    await watch.close();
  });

  test("without a revision start with what is there", async () => {
    const api = await withMaps("a", "b");
    const watch = await api.watch(`${maps}?watch=true`);
    expect((await watch.next(2)).map(({ type, object }) => [type, object.metadata.name])).toEqual([
      ["ADDED", "a"],
      ["ADDED", "b"],
    ]);
    await watch.close();
  });

  test("that ask for initial events are told where those end", async () => {
    const api = await withMaps("a");
    const watch = await api.watch(
      `${maps}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    );
    const [added, bookmark] = await watch.next(2);
    expect(added?.type).toBe("ADDED");
    expect(bookmark).toMatchObject({
      type: "BOOKMARK",
      object: { kind: "ConfigMap", metadata: { annotations: { "k8s.io/initial-events-end": "true" } } },
    });
    await watch.close();
  });

  test("an object that stops matching the selector is gone for the watch, one that starts to is new", async () => {
    const api = await TestApi.open();
    const watch = await api.watch(`${maps}?watch=true&labelSelector=on`);
    await api.request("POST", maps, configMap("a"));
    await api.request("PATCH", `${maps}/a`, { metadata: { labels: { on: "1" } } });
    await api.request("PATCH", `${maps}/a`, { data: { x: "1" } });
    await api.request("PATCH", `${maps}/a`, { metadata: { labels: { on: null } } });
    const events = await watch.next(3);
    expect(events.map(({ type }) => type)).toEqual(["ADDED", "MODIFIED", "DELETED"]);
    // The last state that matched, under the revision that ended it.
    expect(events[2]?.object.metadata.labels).toEqual({ on: "1" });
    const { body } = await api.request("GET", `${maps}/a`);
    expect(events[2]?.object.metadata.resourceVersion).toBe(body.metadata.resourceVersion);
    await watch.close();
  });

  test("from before what the server remembers end with 410", async () => {
    const api = await withMaps("a");
    await api.request("GET", maps);
    const watch = await api.watch(`${maps}?watch=true&resourceVersion=1`);
    expect(await watch.next(1)).toMatchObject([{ type: "ERROR", object: { code: 410, reason: "Expired" } }]);
    await watch.ended;
  });

  test("of one name or namespace hear of nothing else", async () => {
    const api = await withMaps("a", "b");
    const watch = await api.watch(`${maps}?watch=true&resourceVersion=0&fieldSelector=metadata.name%3Db`);
    await api.request("PATCH", `${maps}/a`, { data: { x: "1" } });
    await api.request("PATCH", `${maps}/b`, { data: { x: "1" } });
    const [added, modified] = await watch.next(2);
    expect([added?.object.metadata.name, modified?.object.metadata.name]).toEqual(["b", "b"]);
    await watch.close();
  });

  test("events of both groups are the same objects under their own names", async () => {
    const api = await TestApi.open();
    const event = {
      metadata: { name: "e" },
      involvedObject: { kind: "Pod", name: "p", namespace: "default" },
      reason: "Started",
      message: "it runs",
      type: "Normal",
    };
    await api.request("POST", "/api/v1/namespaces/default/events", event);
    const { body } = await api.request("GET", "/apis/events.k8s.io/v1/namespaces/default/events/e");
    expect(body).toMatchObject({ apiVersion: "events.k8s.io/v1", regarding: { name: "p" }, note: "it runs" });
  });
});
