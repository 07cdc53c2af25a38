import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readRun, reportOf, saveRun } from "./mod.ts";
import { sampleRun, withAnomalies } from "./sample.testing.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "flotilla-run-"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("a run's directory", () => {
  it("keeps all that the report is made of: the same page can be made of it again", async () => {
    const run = withAnomalies(sampleRun({ seed: 5, operations: 200 }));
    saveRun(join(directory, "a", "run"), run);
    const { verdict, torn, ...saved } = await readRun(join(directory, "a", "run"));
    expect(torn).toBeUndefined();
    expect(verdict).toEqual(run.verdict);
    expect(reportOf({ ...saved, verdict: verdict ?? run.verdict })).toBe(reportOf(run));
    expect(readFileSync(join(directory, "a", "run", "report.html"), "utf8")).toBe(reportOf(run));
  });

  it("has no files for what was not observed, and needs none but the history", async () => {
    const { history } = sampleRun({ seed: 5, operations: 20 });
    saveRun(directory, { history, manifest: {}, verdict: { valid: "unknown", checkers: [] } });
    expect(existsSync(join(directory, "clocks.ndjson"))).toBe(false);
    for (const name of ["manifest.json", "verdict.json"]) rmSync(join(directory, name));
    const saved = await readRun(directory);
    expect(saved).toMatchObject({ manifest: {}, verdict: undefined, leaders: undefined });
    expect(saved.history).toEqual(history);
  });

  it("that is damaged is refused with the file's name", async () => {
    saveRun(directory, sampleRun({ seed: 5, operations: 20 }));
    writeFileSync(join(directory, "verdict.json"), "{}");
    await expect(readRun(directory)).rejects.toThrow(/verdict\.json cannot be used: it has no `valid`/);
    writeFileSync(join(directory, "verdict.json"), '{"valid":true,"checkers":[]}');
    writeFileSync(join(directory, "clocks.ndjson"), '{"timeNs":0}\n{"timeN');
    await expect(readRun(directory)).rejects.toThrow(/clocks\.ndjson cannot be used: line 2/);
  });
});
