import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { formatHistory, type Json, Recorder } from "../jepsen-lite/history/mod.ts";
import { main } from "./jepsen.ts";

let directory: string;
let printed: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "flotilla-jepsen-"));
  printed = "";
  const keep = (text: string | Uint8Array) => {
    printed += text;
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(keep);
  vi.spyOn(process.stderr, "write").mockImplementation(keep);
});

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
  rmSync(directory, { recursive: true, force: true });
});

/** A run in the directory: 1 is written to x, and a read after it gets `value`. */
function saveRun(value: Json, manifest: object = { config: { workload: "register", clients: 1 } }): void {
  let now = 0;
  const recorder = new Recorder({ nowNs: () => ++now, clients: 1 });
  recorder.invoke(0, "write", { key: "x", value: 1 })("ok");
  recorder.invoke(0, "read", { key: "x" })("ok", { key: "x", value });
  writeFileSync(join(directory, "history.ndjson"), formatHistory(recorder.events));
  writeFileSync(join(directory, "manifest.json"), JSON.stringify(manifest));
}

async function exitCodeOf(...args: string[]): Promise<unknown> {
  process.exitCode = undefined;
  await main(args);
  return process.exitCode ?? 0;
}

describe("flotilla jepsen check", () => {
  it("ends with 0 for a valid run, 1 for an invalid one, 2 for one of which nothing is known", async () => {
    saveRun(1);
    expect(await exitCodeOf("check", directory)).toBe(0);
    expect(printed).toMatch(/^valid +linearizable registers +Valid: 2 operations/m);
    saveRun(null);
    expect(await exitCodeOf("check", directory)).toBe(1);
    expect(printed).toContain("read null (operation 2)");
    writeFileSync(join(directory, "history.ndjson"), "");
    expect(await exitCodeOf("check", directory)).toBe(2);
  });

  it("takes a history alone, when it is told the workload", async () => {
    saveRun(null, {});
    const file = join(directory, "history.ndjson");
    expect(await exitCodeOf("check", file)).toBe(2);
    expect(printed).toContain("[WorkloadUnknown]");
    expect(await exitCodeOf("check", file, "--workload", "register", "-o", "json")).toBe(1);
    const verdict = JSON.parse(printed.slice(printed.indexOf("{"))) as {
      valid: unknown;
      checkers: { checker: string; valid: unknown }[];
    };
    expect(verdict.valid).toBe(false);
    expect(verdict.checkers.map(({ checker, valid }) => [checker, valid])).toEqual([
      ["linearizable registers", false],
      ["error classes", true],
      ["vacuity", true],
    ]);
  });

  it("never calls invalid what it cannot read", async () => {
    expect(await exitCodeOf("check", join(directory, "missing"))).toBe(2);
    writeFileSync(join(directory, "history.ndjson"), "{nonsense}\n");
    expect(await exitCodeOf("check", directory)).toBe(2);
    expect(printed).toMatch(/RunMissing[\s\S]*HistoryMalformed/);
  });
});

describe("flotilla jepsen report", () => {
  it("writes the page beside the history, by the verdict that stands there unless it is told to judge again", async () => {
    saveRun(1);
    writeFileSync(join(directory, "verdict.json"), JSON.stringify({ valid: "unknown", checkers: [] }));
    const page = () => readFileSync(join(directory, "report.html"), "utf8");
    expect(await exitCodeOf("report", directory)).toBe(0);
    expect(page()).toContain("<h1>Unknown: no checker looked at this history.</h1>");
    await exitCodeOf("report", directory, "--again");
    expect(page()).toContain("<h1>Valid: 3 checkers looked at this history");
  });
});
