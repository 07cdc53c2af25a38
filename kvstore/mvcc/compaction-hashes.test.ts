import { expect, test } from "vitest";
import { machineClock } from "../server/machine-clock.ts";
import { isFailure, MemoryHome, openState } from "./mod.ts";

test("the hash at a compaction is still known ten compactions later, and no longer", async () => {
  const onFailure = (error: unknown) => {
    throw error;
  };
  const { store, backend } = await openState({
    home: new MemoryHome(),
    clock: machineClock,
    minLeaseTtl: 2,
    onFailure,
  });
  for (let at = 0; at < 200; at++) store.write((view) => view.put(`k${at % 9}`, Buffer.from(String(at)), 0n));
  const hashes = new Map<number, unknown>();
  for (let revision = 10; revision <= 120; revision += 10) {
    store.compact(revision);
    const { hash, compactRevision } = (await store.hashKv(revision)) as { hash: number; compactRevision: number };
    expect(compactRevision).toBe(revision);
    hashes.set(revision, hash);
  }
  for (const revision of [10, 20, 25, 115]) expect(isFailure(await store.hashKv(revision))).toBe(true);
  for (let revision = 30; revision <= 120; revision += 10) {
    const found = await store.hashKv(revision);
    expect(found).toMatchObject({
      hash: hashes.get(revision),
      hashRevision: revision,
      compactRevision: revision,
      currentRevision: 201,
    });
  }
  await backend.close();
});
