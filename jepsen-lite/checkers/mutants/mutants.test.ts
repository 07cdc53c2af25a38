import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../base/mod.ts";
import { canary } from "../canary.ts";
import * as room from "../mod.ts";
import { gradeMutants, judgeStore } from "./grade.ts";
import { eventsOf, validHistory } from "./valid-history.ts";

const count = Number(process.env.JEPSEN_LITE_MUTANTS ?? 200);

describe("history mutants", () => {
  it(`of ${count}, at least 95 % are rejected or proven legal, and no valid history is`, { timeout: 300_000 }, () => {
    const seed = Number(process.env.SEED ?? 1);
    const { grades, falseAlarms } = gradeMutants(count, seed);
    expect(falseAlarms, "seeds of valid histories that were rejected").toEqual([]);
    const survivors = grades.flatMap(({ mutation, survivors }) => survivors.map((at) => `${mutation} (seed ${at})`));
    const made = grades.reduce((sum, grade) => sum + grade.made, 0);
    expect(made).toBe(count);
    expect(survivors.length, survivors.join("\n")).toBeLessThanOrEqual(0.05 * count);
    for (const { mutation, rejected, by } of grades)
      expect(rejected, `${mutation}: ${JSON.stringify(by)}`).toBeGreaterThan(0);
  });
});

describe("what must never be called valid", () => {
  it("the canary", () => {
    expect(canary(eventsOf(validHistory(seededRandom(1))), {}).valid).toBe(false);
  });

  it("an empty history, by any checker", () => {
    const checkers = Object.entries(room).filter(([, value]) => typeof value === "function" && value.length === 2);
    for (const [name, judge] of checkers) {
      if (!judges.has(name)) continue;
      const verdict = (judge as room.Checker<unknown>)([], options);
      expect(verdict.valid, name).not.toBe(true);
    }
    expect(room.overall([])).toBe("unknown");
  });

  it("a history that makes a checker throw, or that exceeds its budget", () => {
    const throwing = room.checker("throws", () => {
      throw new Error("a bug of the checker");
    });
    expect(throwing([], {})).toMatchObject({ valid: false, anomalies: [{ kind: "checker-failed" }] });
    const slow = room.checker("slow", () => {
      throw new room.BudgetExceeded("a million steps were not enough");
    });
    expect(slow([], {}).valid).toBe("unknown");
    expect(room.overall([slow([], {}), room.registers([], {})])).toBe("unknown");
  });

  it("a history whose values have another shape than the checker reads", () => {
    const wrong = eventsOf(validHistory(seededRandom(1))).map((event) => ({ ...event, value: 7 }));
    for (const verdict of judgeStore(wrong))
      if (verdict.checker !== "error classes") expect(verdict.valid, verdict.checker).toBe(false);
  });
});

const judges: ReadonlySet<string> = new Set(
  Object.keys(room).filter(
    (name) =>
      !["checker", "overall", "checkPartitions", "forbids", "weakestViolated", "Search", "BudgetExceeded"].includes(
        name,
      ),
  ),
);

const options = { accounts: [], total: 0, clients: 1, withinNs: 1, outputs: {}, most: {} };
