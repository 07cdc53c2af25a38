import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { runFiles } from "../jepsen-lite/report/mod.ts";

const directory = mkdtempSync(join(tmpdir(), "flotilla-sim-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function flotilla(...args: string[]): Promise<{ readonly code: number; readonly said: string }> {
  const script = join(import.meta.dirname, "flotilla.ts");
  const call = promisify(execFile)(process.execPath, ["--disable-warning=ExperimentalWarning", script, ...args]);
  return call.then(
    ({ stdout }) => ({ code: 0, said: stdout }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, said: stdout + stderr }),
  );
}

test("several processes share the seeds of a sweep, and every one is counted, without what is left out", async () => {
  const { code, said } = await flotilla(
    ...["sim", "--seeds", "5", "--seconds", "2", "--jobs", "2", "--mask", "faults=none,workload=lease"],
  );
  expect(said).toContain("5 seeds, 0 of them broke something");
  expect(said).toMatch(/workloads +lease 5\n/);
  expect(said).toMatch(/faults +none/);
  expect(code).toBe(0);
});

test("a run is left as a directory that says how to repeat it, and is judged the same again", async () => {
  const run = join(directory, "run");
  const left = await flotilla("sim", "--seed", "3", "--seconds", "5", "--mask", "workload=register", "--report", run);
  expect(left.said).toContain("hash ");
  expect(readdirSync(run)).toEqual(expect.arrayContaining([runFiles.history, runFiles.report, runFiles.messages]));
  const { code, said } = await flotilla("jepsen", "check", run);
  expect(said).toContain("linearizable registers");
  expect(code).toBe(0);
});

test("Raft alone needs no more than a seed", async () => {
  const { said } = await flotilla("sim", "--raft-only", "--seeds", "2", "--seconds", "5", "--json");
  expect(JSON.parse(said)).toMatchObject({ seeds: 2, virtualSeconds: 10, broken: [] });
});

test.each(["faults=x", "people=1"])("what is no mask is a wrong flag: %s", async (mask) => {
  const { code, said } = await flotilla("sim", "--seed", "1", "--mask", mask);
  expect(said).toContain("the mask cannot be read");
  expect(code).toBe(2);
});
