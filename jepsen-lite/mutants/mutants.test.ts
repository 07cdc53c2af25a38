import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { patchesOf } from "./bug.ts";
import { hunt, isCaught } from "./hunt.ts";
import { occurrences, type Patch, patched } from "./patch.ts";
import { seededBugs } from "./table.ts";

const root = new URL("../../", import.meta.url);

describe("a patch", () => {
  const patch: Patch = { file: "x.ts", find: "b", replace: "$& c" };

  test("replaces what it finds, as it stands", () => {
    expect(patched("a b d", [patch])).toBe("a $& c d");
  });

  test("of what is not there once fails", () => {
    expect(() => patched("a d", [patch])).toThrow("is there once");
    expect(() => patched("b b", [patch])).toThrow("is there once");
  });
});

test("each of the fifty bugs is there once", () => {
  expect(seededBugs.map(({ number }) => number)).toEqual(Array.from({ length: 50 }, (_, at) => at + 1));
});

test.each(seededBugs.map((bug) => [bug.number, bug] as const))(
  "bug %i can be put in, and named by somebody",
  (_, bug) => {
    const byFile = Map.groupBy(patchesOf(bug), ({ file }) => file);
    for (const [file, patches] of byFile) {
      const source = readFileSync(new URL(file, root), "utf8");
      for (const { find } of patches) expect(occurrences(source, find), `${file}: ${find}`).toBe(1);
      expect(patched(source, patches)).not.toBe(source);
    }
    expect(bug.caughtBy.length).toBeGreaterThan(0);
  },
);

test("a bug is caught in a process that has it, and not where it is left out", { timeout: 60_000 }, async () => {
  const bug = seededBugs.find(({ number }) => number === 3)!;
  const trophy = await hunt(bug, { from: 1, seeds: 50, samples: 1, patienceMs: 30_000 });
  expect(isCaught(trophy), JSON.stringify([...trophy.others])).toBe(true);
  expect(trophy.falseAlarms).toEqual([]);
});
