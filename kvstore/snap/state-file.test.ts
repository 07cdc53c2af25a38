import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MemberMetrics } from "../metrics/mod.ts";
import { Backend, LevelHome, MemoryHome, revisionKey } from "../mvcc/mod.ts";
import { machineClock } from "../server/machine-clock.ts";
import { readStateFile, stateFile } from "./mod.ts";

test("a state's file is the same whoever makes it: this thread or one of its own", async () => {
  const directory = await mkdtemp(join(tmpdir(), "flotilla-state-file-"));
  const homes = [new MemoryHome(), new LevelHome(join(directory, "db"), { largeBytes: 0 })];
  const files = homes.map(async (home) => {
    const onFailure = (error: unknown) => {
      throw error;
    };
    const engine = await home.open();
    const backend = await Backend.open({ engine, clock: machineClock, metrics: new MemberMetrics(), onFailure });
    // One does not fit what threads share.
    for (let at = 0; at < 4000; at++)
      backend.put("key", revisionKey(at + 2, 0, false), Buffer.alloc(at === 2000 ? 500_000 : 200, at));
    backend.put("meta", "storageVersion", Buffer.from("3.7.0"));
    const { sizeBytes, pieces, sha256 } = await readStateFile(await backend.work(stateFile));
    const bytes = Buffer.concat(await Array.fromAsync(pieces, (piece) => piece.slice()));
    const exported = await Array.fromAsync(backend.exportRecords(), (run) => run.map(({ value }) => value.length));
    await backend.close();
    expect(bytes.length).toBe(sizeBytes);
    expect(Buffer.from(sha256())).toEqual(createHash("sha256").update(bytes).digest());
    expect(Math.max(...exported.flat())).toBe(500_000);
    return bytes;
  });
  const [here, elsewhere] = await Promise.all(files);
  expect(elsewhere?.equals(here as Buffer)).toBe(true);
  await rm(directory, { recursive: true });
});
