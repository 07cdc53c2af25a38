import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { toUtf8 } from "../../base/mod.ts";
import { PutRequest } from "../../proto/mod.ts";
import { MemberMetrics } from "../metrics/mod.ts";
import { machineClock } from "../server/machine-clock.ts";
import { Backend, type BackendRecord } from "./backend.ts";
import type { Change, Engine, EngineHome } from "./engine.ts";
import { LevelHome } from "./level-engine.ts";
import { MemoryHome } from "./memory-engine.ts";
import { openState } from "./state.ts";

const directory = mkdtempSync(join(tmpdir(), "flotilla-backend-"));
afterAll(() => rmSync(directory, { recursive: true }));

async function namesIn(runs: AsyncGenerator<readonly BackendRecord[]>): Promise<string[]> {
  const names: string[] = [];
  for await (const run of runs) {
    for (const { bucket, key, value } of run) names.push(`${bucket}/${Buffer.from(key)}=${Buffer.from(value)}`);
  }
  return names;
}

describe.each<[string, () => EngineHome]>([
  ["memory", () => new MemoryHome()],
  ["level", () => new LevelHome(join(directory, "level"))],
])("exports over the %s engine", (_name, home) => {
  test("are streams of one and the same batch, in the order of the buckets' names, whatever is written meanwhile", async () => {
    const onFailure = (error: unknown) => {
      throw error;
    };
    const engine = await home().open();
    const backend = await Backend.open({ engine, clock: machineClock, onFailure, metrics: new MemberMetrics() });
    const put = (count: number) => {
      for (const bucket of ["members_removed", "authUsers", "meta", "key", "cluster", "alarm", "lease"] as const) {
        for (let at = 0; at < 50; at++) backend.put(bucket, String(at).padStart(3, "0"), Buffer.from(String(count)));
      }
    };
    put(1);
    // Batches that are being written, and those that come later: none lies between the two streams.
    void backend.commit();
    put(2);
    const exported = backend.exports(2);
    for (let count = 3; count < 20; count++) {
      put(count);
      void backend.commit();
    }
    const [first, second] = await exported;
    const names = await namesIn(first!);
    await backend.commit();
    expect(await namesIn(second!)).toEqual(names);
    const one = names[0]!.split("=")[1];
    expect(new Set(names.map((name) => name.split("=")[1]))).toEqual(new Set([one]));
    const buckets = [...new Set(names.map((name) => name.split("/")[0]))];
    expect(buckets).toEqual(["alarm", "authUsers", "cluster", "key", "lease", "members_removed", "meta"]);
    await backend.close();
  });
});

test("a batch is what there was when it was cut, entries and applied index, however long the engine takes to go through it", async () => {
  const engine = await new MemoryHome().open();
  const batches: Change[][] = [];
  const slow: Engine = {
    get: (key) => engine.get(key),
    scan: (from, to, run) => engine.scan(from, to, run),
    scans: (from, to, count) => engine.scans(from, to, count),
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
  const onFailure = (error: unknown) => {
    throw error;
  };
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
