import { describe, expect, test } from "vitest";
import { operationsOf } from "../history/mod.ts";
import { judge, workloads } from "../workloads/mod.ts";
import { run } from "./run.ts";

const isPossible = Object.values(workloads).filter(({ isImpossible }) => isImpossible !== true);

const runOf = (workload: string, seed: number) => run({ seed, seconds: 15, mask: { workload, calm: [] } });

describe("a workload", () => {
  test.each(isPossible.map(({ name }) => name))(
    "%s is kept, judged, and no operation of it always fails",
    async (name) => {
      // One that draws few faults: what is asked here is what clients do.
      const { history, violation } = await runOf(name, 8);
      expect(violation?.message).toBeUndefined();
      const kinds = new Map<string, number>();
      for (const { f, outcome } of operationsOf(history))
        kinds.set(f, (kinds.get(f) ?? 0) + (outcome === "ok" ? 1 : 0));
      expect([...kinds].filter(([, ok]) => ok === 0)).toEqual([]);
      const { valid, checkers } = judge(history, name);
      expect(checkers.filter((verdict) => verdict.valid !== true).map(({ summary }) => summary)).toEqual([]);
      expect(valid).toBe(true);
    },
  );

  test("that asks for locks without a fence is found out", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { violation } = await runOf("unfenced-lock", seed);
      if (violation === undefined) continue;
      expect(violation.message).toMatch(/two-holders/);
      return;
    }
    throw new Error("ten seeds kept it");
  });
});
