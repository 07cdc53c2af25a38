import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
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
