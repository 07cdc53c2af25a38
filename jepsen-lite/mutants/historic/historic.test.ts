import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { run } from "../../simulation/mod.ts";
import { adjusted } from "../bug.ts";
import { occurrences, patched } from "../patch.ts";
import { seededBugs } from "../table.ts";
import { absentBugs } from "./absent.ts";
import { historicBugs, historicSearches } from "./table.ts";

const textOf = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");

/** The list of etcd's bugs that this suite has to know has so many rows. */
const rows = 25;

test("every row of the list has a scenario", () => {
  const known = new Set([...historicBugs, ...absentBugs].map(({ row }) => row));
  expect([...known].sort((a, b) => a - b)).toEqual(Array.from({ length: rows + 1 }, (_, row) => row));
});

test("no two have the same name", () => {
  const names = [...historicBugs, ...absentBugs].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const numbers = [...seededBugs, ...historicSearches].map(({ number }) => number);
  expect(new Set(numbers).size).toBe(numbers.length);
});

describe.each(historicBugs.map((bug) => [bug.name, bug] as const))("%s", (_, { patches, setting = [], scenario }) => {
  test("can be put in", () => {
    for (const list of [setting, [...setting, ...patches]]) {
      for (const [file, own] of Map.groupBy(list, ({ file }) => file)) {
        for (const { find } of own) expect(occurrences(textOf(file), find), `${file}: ${find}`).toBe(1);
        expect(patched(textOf(file), own)).not.toBe(textOf(file));
      }
    }
  });

  test("has a scenario that is there", () => {
    if (scenario.kind === "test") expect(nameIsIn(scenario)).toBe(true);
    else expect(scenario.caughtBy).not.toEqual([]);
  });
});

test.each(absentBugs.map((bug) => [bug.name, bug] as const))(
  "%s, which cannot be, is looked for all the same",
  (_, bug) => {
    expect(bug.why).not.toBe("");
    expect(nameIsIn(bug.scenario)).toBe(true);
  },
);

test.each(historicSearches.map((search) => [search.title, search] as const))(
  "a short run passes without the bug: %s",
  async (_, { search }) => {
    if (search.kind !== "simulation") throw new Error("historic bugs that are searched for are in the simulation");
    const { violation } = await run({ seed: 1, seconds: 3, adjust: (drawn) => adjusted(drawn, search.forced) });
    expect(violation).toBeUndefined();
  },
);

test("a test that is run on the text with the bug fails, and on the text as it is passes", {
  timeout: 60_000,
}, async () => {
  const main = new URL("../main.ts", import.meta.url).pathname;
  const flags = ["--disable-warning=ExperimentalWarning", main, "--historic", "--only", "20418"];
  const { stdout } = await promisify(execFile)(process.execPath, flags);
  expect(stdout).toMatch(/#20418 .* passes +fails +expected \[ 'same@1', 'same@1' \]/);
  expect(stdout).toContain("1 of 1 scenarios pass without their bug and fail with it");
});

/** Some names come from a table. */
function nameIsIn({ file, name }: { readonly file: string; readonly name: string }): boolean {
  const text = textOf(file);
  return text.includes(`"${name}"`) || (text.includes("test.each(") && text.includes(name.split(":")[0] as string));
}
