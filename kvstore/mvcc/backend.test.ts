import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { toUtf8 } from "../../base/mod.ts";
import { PutRequest } from "../../proto/mod.ts";
import { MemberMetrics } from "../metrics/mod.ts";
import { machineClock } from "../server/machine-clock.ts";
import { Backend } from "./backend.ts";
import type { Change, Engine, EngineHome } from "./engine.ts";
import { LevelHome } from "./level-engine.ts";
import { MemoryHome } from "./memory-engine.ts";
import { openState } from "./state.ts";
import { work as twice } from "./twice.testing.ts";

const directory = mkdtempSync(join(tmpdir(), "flotilla-backend-"));
afterAll(() => rmSync(directory, { recursive: true }));

const onFailure = (error: unknown) => {
  throw error;
};

async function textOf(pieces: AsyncGenerator<Uint8Array>): Promise<string> {
  const texts: string[] = [];
  for await (const piece of pieces) texts.push(Buffer.from(piece).toString());
  return texts.join("");
}

describe.each<[string, () => EngineHome]>([
  ["memory", () => new MemoryHome()],
  ["level", () => new LevelHome(join(directory, "level"))],
  ["large level", () => new LevelHome(join(directory, "large"), { largeBytes: 0 })],
])("work on the records of the %s engine", (_name, home) => {
  const open = async (place = home()) =>
    Backend.open({ engine: await place.open(), clock: machineClock, onFailure, metrics: new MemberMetrics() });

  test("is of one and the same batch, in the order of the buckets' names, whatever is written meanwhile", async () => {
    const backend = await open();
    const put = (count: number) => {
      for (const bucket of ["members_removed", "authUsers", "meta", "key", "cluster", "alarm", "lease"] as const) {
        for (let at = 0; at < 300; at++) backend.put(bucket, String(at).padStart(3, "0"), Buffer.from(String(count)));
      }
    };
    put(1);
    // Batches that are being written, and those that come later: none lies between the two scans.
    void backend.commit();
    put(2);
    const opened = backend.work(twice);
    for (let count = 3; count < 20; count++) {
      put(count);
      void backend.commit();
    }
    const pieces = await opened;
    const first = Buffer.from((await pieces.next()).value as Uint8Array).toString();
    await backend.commit();
    const lines = (first + (await textOf(pieces))).trimEnd().split("\n");
    expect(lines).toHaveLength(2 * 7 * 300);
    expect(lines.slice(lines.length / 2)).toEqual(lines.slice(0, lines.length / 2));
    expect(new Set(lines.map((line) => line.split("=")[1])).size).toBe(1);
    const buckets = [...new Set(lines.map((line) => line.split("/")[0]))];
    expect(buckets).toEqual(["alarm", "authUsers", "cluster", "key", "lease", "members_removed", "meta"]);
    const exported = (await Array.fromAsync(backend.exportRecords(), (run) => run.length)).reduce((a, b) => a + b);
    expect(exported).toBe(7 * 300);
    await backend.close();
  });

  test("ends when it is given up, and what is written afterwards is written", async () => {
    const place = home();
    const backend = await open(place);
    for (let at = 0; at < 3000; at++) backend.put("key", String(at), Buffer.alloc(200));
    const early = new AbortController();
    const late = new AbortController();
    const pieces = await backend.work(twice, late.signal);
    const opening = backend.work(twice, early.signal).then(textOf);
    early.abort();
    await expect(opening).rejects.toThrow();
    await pieces.next();
    late.abort();
    await expect(textOf(pieces)).rejects.toThrow();
    backend.put("key", "last", Buffer.of(1));
    await backend.close();
    const again = await open(place);
    expect(again.get("key", "last")).toEqual(Buffer.of(1));
    await again.close();
  });

  test("ends when the engine is closed, begun or not", async () => {
    const backend = await open();
    for (let at = 0; at < 3000; at++) backend.put("key", String(at), Buffer.alloc(200));
    const [begun] = await Promise.all([backend.work(twice), backend.work(twice)]);
    await begun.next();
    const scan = backend.scanAll("key");
    await scan.next();
    await backend.close();
  });
});

test("a batch is what there was when it was cut, entries and applied index, however long the engine takes to go through it", async () => {
  const engine = await new MemoryHome().open();
  const batches: Change[][] = [];
  const slow: Engine = {
    get: (key) => engine.get(key),
    scan: (from, to, run) => engine.scan(from, to, run),
    sizeBytes: () => engine.sizeBytes(),
    defragment: () => engine.defragment(),
    close: () => engine.close(),
    async write(changes) {
      const batch: Change[] = [];
      batches.push(batch);
      for (const change of changes) {
        batch.push(change);
        await nextTurn();
      }
      await engine.write(batch);
    },
  };
  const home = { open: async () => slow, openSuccessor: () => Promise.reject(new Error("not here")) };
  const state = await openState({ home, clock: machineClock, minLeaseTtl: 2, onFailure, recentHistoryBytes: 1 });
  const apply = (index: number) => {
    state.applier.put(PutRequest.create({ key: toUtf8(`k${index}`), value: toUtf8("v") }));
    state.store.setApplied(index, 1);
  };
  for (let index = 1; index <= 20; index++) apply(index);
  const first = state.backend.commit();
  for (let index = 21; index <= 50; index++) {
    await nextTurn();
    apply(index);
  }
  await first;
  await state.backend.commit();
  const [firstBatch, secondBatch] = batches.map((batch) => ({
    versions: batch.filter(({ key }) => key.startsWith("k")).length,
    index: batch.find(({ key }) => key === "tconsistent_index")?.value,
  }));
  expect(firstBatch).toEqual({ versions: 20, index: new Uint8Array([0, 0, 0, 0, 0, 0, 0, 20]) });
  expect(secondBatch).toEqual({ versions: 30, index: new Uint8Array([0, 0, 0, 0, 0, 0, 0, 50]) });
  await state.backend.close();
});

test("a batch is written when the log is durable below it, and the next waits for its own part of the log", async () => {
  const { promise: firstLogged, resolve: first } = Promise.withResolvers<void>();
  const { promise: secondLogged, reject: second } = Promise.withResolvers<void>();
  const log = [firstLogged, secondLogged];
  const written: string[] = [];
  const engine = await new MemoryHome().open();
  const write = engine.write.bind(engine);
  engine.write = (changes) => {
    const all = [...changes];
    written.push(...all.map(({ key }) => key));
    return write(all);
  };
  const failures: unknown[] = [];
  const backend = await Backend.open({
    engine,
    clock: machineClock,
    onFailure: (error) => failures.push(error),
    metrics: new MemberMetrics(),
    logged: () => log.shift() as Promise<void>,
  });
  backend.put("key", "a", Buffer.from("1"));
  const one = backend.commit();
  await nextTurn();
  backend.put("key", "b", Buffer.from("2"));
  const two = backend.commit();
  await nextTurn();
  expect([written, String(backend.get("key", "a"))]).toEqual([[], "1"]);
  first();
  await one;
  expect(written).toEqual(["ka"]);
  // The disk of the log fails: the state stays behind it.
  second(new Error("EIO"));
  await expect(two).rejects.toThrow("EIO");
  expect([written, failures]).toEqual([["ka"], [new Error("EIO")]]);
});
