import { describe, expect, test } from "vitest";
import { fromUtf8, toUtf8 } from "../../../base/mod.ts";
import type { Store, StoreEvent } from "./store.ts";

type Open = () => Promise<{ store: Store; prefix: string }>;

/** What every Store must do: run against the one in memory, and against etcd. Each test gets a prefix of its own. */
export function storeSuite(name: string, open: Open): void {
  describe(name, () => {
    test("creates a key once, updates and deletes it only at the revision last seen", async () => {
      const { store, prefix } = await open();
      const key = `${prefix}a`;
      const created = await store.put(key, toUtf8("1"), 0);
      if (!created.ok) throw new Error("the key was free");
      const again = await store.put(key, toUtf8("2"), 0);
      expect(again).toMatchObject({ ok: false, current: { modRevision: created.revision } });
      const updated = await store.put(key, toUtf8("2"), created.revision);
      if (!updated.ok) throw new Error("the revision was current");
      expect(updated.revision).toBeGreaterThan(created.revision);
      expect(await store.delete(key, created.revision)).toMatchObject({ ok: false });
      expect(await store.delete(key, updated.revision)).toMatchObject({ ok: true });
      expect(await store.get(key)).toBeUndefined();
    });

    test("lists keys in order, in pages, at the revision of the first page", async () => {
      const { store, prefix } = await open();
      for (const letter of "dbca") await store.put(prefix + letter, toUtf8(letter), 0);
      const first = await store.range(prefix, { limit: 3 });
      if (!first.ok) throw new Error(first.error);
      expect(first.items.map(({ key }) => key.slice(prefix.length))).toEqual(["a", "b", "c"]);
      expect(first.count).toBe(4);
      await store.put(`${prefix}e`, toUtf8("e"), 0);
      const rest = await store.range(prefix, { from: `${prefix}c\0`, revision: first.revision });
      if (!rest.ok) throw new Error(rest.error);
      expect(rest.items.map(({ value }) => fromUtf8(value))).toEqual(["d"]);
    });

    test("refuses revisions of the future, and those that were compacted", async () => {
      const { store, prefix } = await open();
      await store.put(`${prefix}a`, toUtf8("1"), 0);
      const old = await store.revision();
      expect(await store.range(prefix, { revision: old + 1_000_000 })).toEqual({ ok: false, error: "FutureRevision" });
      await store.put(`${prefix}b`, toUtf8("2"), 0);
      await store.compact(await store.revision());
      expect(await store.range(prefix, { revision: old })).toEqual({ ok: false, error: "Compacted" });
    });

    test("a watch tells the past and the present, each change once and in order", async () => {
      const { store, prefix } = await open();
      const first = await store.put(`${prefix}a`, toUtf8("1"), 0);
      if (!first.ok) throw new Error("the key was free");
      const seen: StoreEvent[] = [];
      const complete = Promise.withResolvers<void>();
      const watch = store.watch(prefix, first.revision, {
        events: (events) => {
          seen.push(...events);
          if (seen.length === 3) complete.resolve();
        },
        progress: () => undefined,
        compacted: () => complete.reject(new Error("nothing was compacted")),
      });
      const second = await store.put(`${prefix}a`, toUtf8("2"), first.revision);
      if (!second.ok) throw new Error("the revision was current");
      await store.delete(`${prefix}a`, second.revision);
      await complete.promise;
      watch.close();
      expect(seen.map(({ value }) => value && fromUtf8(value))).toEqual(["1", "2", undefined]);
      expect(seen.map(({ modRevision }) => modRevision).slice(0, 2)).toEqual([first.revision, second.revision]);
    });

    test("a watch from before the last compaction says so", async () => {
      const { store, prefix } = await open();
      const before = await store.revision();
      await store.put(`${prefix}a`, toUtf8("1"), 0);
      await store.put(`${prefix}b`, toUtf8("2"), 0);
      await store.compact(await store.revision());
      const told = Promise.withResolvers<void>();
      store.watch(prefix, before, { events: () => undefined, progress: () => undefined, compacted: told.resolve });
      await told.promise;
    });

    test("of two servers that claim a compaction, one wins and the other learns where the key stands", async () => {
      const { store } = await open();
      const lost = await store.claimCompaction(-1, 0);
      if (lost.won) throw new Error("a version that never was cannot win");
      expect(await store.claimCompaction(lost.version, 1)).toMatchObject({ won: true });
      expect(await store.claimCompaction(lost.version, 1)).toMatchObject({ won: false, version: lost.version + 1 });
    });
  });
}

/** What a Store must do besides if its word on progress can be trusted; etcd's cannot before 3.4.31. */
export function progressSuite(name: string, open: Open): void {
  test(`${name} tells progress when asked for it, up to its revision`, async () => {
    const { store, prefix } = await open();
    expect(await store.supportsProgress()).toBe(true);
    const reached = Promise.withResolvers<number>();
    const revision = await store.revision();
    // Not from the one after it: etcd is silent while a watcher of the stream waits for a revision that does not exist yet.
    const watch = store.watch(prefix, revision, {
      events: () => undefined,
      progress: (now) => now >= revision && reached.resolve(now),
      compacted: () => undefined,
    });
    const asking = setInterval(() => watch.requestProgress(), 50);
    expect(await reached.promise).toBeGreaterThanOrEqual(revision);
    clearInterval(asking);
    watch.close();
  });
}
