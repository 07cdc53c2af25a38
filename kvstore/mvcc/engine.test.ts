import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { testEngine } from "./engine.testing.ts";
import { LevelHome } from "./level-engine.ts";
import { MemoryHome } from "./memory-engine.ts";

const directories: string[] = [];
afterAll(async () => {
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
});

testEngine("memory", () => new MemoryHome());
testEngine("level", async () => {
  const directory = await mkdtemp(join(tmpdir(), "level-engine-"));
  directories.push(directory);
  return new LevelHome(join(directory, "db"));
});

test("a first database that a loss of power left half made is begun again; a finished one is opened or says that it cannot be", async () => {
  const directory = join(await mkdtemp(join(tmpdir(), "level-engine-")), "db");
  directories.push(directory);
  const damage = async () => {
    await mkdir(join(directory, "0"), { recursive: true });
    await writeFile(join(directory, "0", "CURRENT"), "MANIFEST-000001\n");
    await writeFile(join(directory, "0", "MANIFEST-000001"), "");
  };
  await damage();
  const engine = await new LevelHome(directory).open();
  await engine.write([{ key: "a", value: "1" }]);
  await engine.close();
  const again = await new LevelHome(directory).open();
  expect(Buffer.from(again.get("a") ?? []).toString()).toBe("1");
  await again.close();
  await damage();
  await expect(new LevelHome(directory).open()).rejects.toThrow();
});

// etcd#20271: there, defragmenting renamed its copy over the snapshot's file.
test("a database that a snapshot replaces while it is being defragmented ends in peace, and the snapshot is what is found", async () => {
  const directory = join(await mkdtemp(join(tmpdir(), "level-engine-")), "db");
  directories.push(directory);
  const home = new LevelHome(directory);
  const old = await home.open();
  const many = Array.from({ length: 20_000 }, (_, i) => ({ key: `k${i}`, value: "old".repeat(50) }));
  for (let round = 0; round < 3; round++) await old.write(many);
  let ended: unknown;
  const tidied = old.defragment().then(
    () => (ended = "tidied"),
    (error: unknown) => (ended = error), // whoever asked hears that the database has gone
  );
  const { engine, takeOver } = await home.openSuccessor();
  await engine.write([{ key: "k0", value: "new" }]);
  await takeOver();
  await old.close();
  await tidied;
  expect(ended).toBeDefined();
  await engine.close();
  const found = await home.open();
  expect([found.get("k0"), found.get("k1")].map((value) => value && Buffer.from(value).toString())).toEqual([
    "new",
    undefined,
  ]);
  await found.close();
});
