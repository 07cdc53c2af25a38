import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { decodeRun, encodeRun, readStage, removeStages, type SnapshotRecord, StageWriter } from "./mod.ts";

const records = fc.array(
  fc.record({ bucket: fc.constantFrom("key", "members_removed"), key: fc.uint8Array(), value: fc.uint8Array() }),
);
const plain = (run: readonly SnapshotRecord[]) =>
  run.map(({ bucket, key, value }) => ({ bucket, key: [...key], value: [...value] }));

test("a run of records comes back as it was", () => {
  fc.assert(
    fc.property(records, (run) => {
      expect(plain(decodeRun(encodeRun(run)))).toEqual(plain(run));
    }),
  );
});

describe("a stage", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "flotilla-stage-"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const run = (text: string) => encodeRun([{ bucket: "key", key: Buffer.from(text), value: Buffer.from(text) }]);
  const collect = async (name: string) => {
    const keys: string[] = [];
    for await (const records of readStage(directory, name))
      for (const { key } of records) keys.push(Buffer.from(key).toString());
    return keys;
  };

  test("gives back its runs in order, once it is finished", async () => {
    const stage = await StageWriter.open(directory, "7");
    await stage.write(run("a"));
    await stage.write(run("b"));
    await expect(collect("7")).rejects.toMatchObject({ code: "ENOENT" });
    await stage.finish();
    expect(await collect("7")).toEqual(["a", "b"]);
  });

  test("leaves nothing when it is discarded, or removed as outdated", async () => {
    const unfinished = await StageWriter.open(directory, "5");
    await unfinished.write(run("a"));
    await unfinished.discard();
    for (const name of ["6", "7"]) await (await StageWriter.open(directory, name)).finish();
    await removeStages(directory, "7");
    expect(await readdir(directory)).toEqual(["7.stage"]);
    await removeStages(directory);
    expect(await readdir(directory)).toEqual([]);
  });

  test("that the disk changed is refused", async () => {
    const stage = await StageWriter.open(directory, "7");
    await stage.write(run("abc"));
    await stage.finish();
    const bytes = await readFile(join(directory, "7.stage"));
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(join(directory, "7.stage"), bytes);
    await expect(collect("7")).rejects.toThrow("is damaged");
  });
});
