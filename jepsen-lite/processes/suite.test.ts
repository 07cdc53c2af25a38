import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { doneBefore, markdownOf, readResults, resultsFile, type SuiteResult } from "./suite.ts";

const result = (workload: string, nemesis: string, more: Partial<SuiteResult> = {}): SuiteResult => ({
  ...{
    workload,
    nemesis,
    valid: true,
    seconds: 10,
    operations: 1234,
    faults: 5,
    effects: {},
    directory: "d",
    conditions: "--members 3",
  },
  ...more,
});

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "flotilla-suite-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("a suite's results", () => {
  it("are a table of workloads and nemeses, with what there was in all", () => {
    const table = markdownOf([
      result("register", "kill"),
      result("register", "clock", { valid: "impossible", seconds: 0, operations: 0, faults: 0 }),
      result("set", "kill", { valid: false, seconds: 12 }),
    ]);
    expect(table.split("\n")).toEqual([
      "| operations / faults | kill | clock |",
      "| --- | --- | --- |",
      "| register | ✓ 1,234 / 5 | – |",
      "| set | ✗ 1,234 / 5 |  |",
      "",
      "2 runs in 22 s: 2,468 operations, 10 faults; 1 as it must be (✓), 1 invalid (✗), 0 unknown (?), 1 that cannot be run here (–).",
    ]);
  });

  it("are read again without a line that was cut off", () => {
    const file = join(directory, resultsFile);
    expect(readResults(file)).toEqual([]);
    appendFileSync(file, `${JSON.stringify(result("set", "kill"))}\n{"workload":"set","nem`);
    expect(readResults(file)).toEqual([result("set", "kill")]);
  });

  it("are not taken for those of runs under other conditions", () => {
    const file = join(directory, resultsFile);
    appendFileSync(file, `${JSON.stringify(result("set", "kill"))}\n`);
    expect(doneBefore(file, "--members 3")).toHaveLength(1);
    expect(() => doneBefore(file, "--members 5")).toThrow("has runs with --members 3, asked for is --members 5");
  });
});
