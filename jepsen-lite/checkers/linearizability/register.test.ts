import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../base/mod.ts";
import { historyOf, isLinearizable, longHistory, randomHistory, type Small } from "./linearizability.testing.ts";
import { registers } from "./register-checker.ts";

const key = "x";
const write = (value: number, from: number, to: number): Small => {
  return { f: "write", from, to, input: { key, value }, output: { key, value } };
};
const read = (value: number | null, from: number, to: number): Small => {
  return { f: "read", from, to, input: { key }, output: { key, value } };
};
const judge = (...operations: Small[]) => registers(historyOf(operations), {}).valid;

describe("histories of the literature", () => {
  it("a read that overlaps a write sees the old value or the new (Herlihy and Wing, figure 2)", () => {
    expect(judge(write(0, 0, 1), write(1, 2, 9), read(0, 3, 4), read(1, 5, 6))).toBe(true);
    expect(judge(write(0, 0, 1), write(1, 2, 9), read(1, 3, 4), read(1, 5, 6))).toBe(true);
  });

  it("but once the new value was seen, nobody sees the old one again", () => {
    expect(judge(write(0, 0, 1), write(1, 2, 9), read(1, 3, 4), read(0, 5, 6))).toBe(false);
  });

  it("a write that returned is seen by every later read: what sequential consistency would forgive", () => {
    expect(judge(write(1, 0, 1), read(null, 2, 3))).toBe(false);
    expect(judge(write(1, 0, 3), read(null, 2, 4))).toBe(true);
  });

  it("two readers cannot see two concurrent writes in different orders", () => {
    expect(judge(write(1, 0, 20), write(2, 1, 21), read(1, 2, 3), read(2, 4, 5), read(1, 6, 7))).toBe(false);
    expect(judge(write(1, 0, 20), write(2, 1, 21), read(1, 2, 3), read(2, 4, 5), read(2, 6, 7))).toBe(true);
  });

  it("a crashed write may take effect at any later time, or never, but once", () => {
    const crashed = write(1, 0, Infinity);
    expect(judge(crashed, write(2, 1, 2), read(2, 3, 4), read(1, 5, 6), read(1, 7, 8))).toBe(true);
    expect(judge(crashed, write(2, 1, 2), read(2, 3, 4), read(2, 5, 6))).toBe(true);
    expect(judge(crashed, write(2, 1, 2), read(1, 3, 4), read(2, 5, 6))).toBe(false);
  });

  it("a write of the value that is there already is no read: it may be needed later", () => {
    // The second write of 1 has to wait until after the write of 2.
    expect(judge(write(1, 0, 1), write(1, 2, 9), write(2, 3, 4), read(2, 5, 6), read(1, 7, 8))).toBe(true);
  });

  it("of two that compare and set the same value, one misses", () => {
    const cas = (from: number, to: number, succeeded: boolean): Small => {
      return { f: "cas", from, to, input: { key, from: 1, to: 2 }, output: { key, from: 1, to: 2, succeeded } };
    };
    expect(judge(write(1, 0, 1), cas(2, 5, true), cas(3, 6, true))).toBe(false);
    expect(judge(write(1, 0, 1), cas(2, 5, true), cas(3, 6, false))).toBe(true);
    expect(judge(write(1, 0, 1), cas(2, 3, false))).toBe(false);
  });
});

describe("versions", () => {
  const at = (operation: Small, version: number): Small => ({ ...operation, output: { ...operation.output, version } });

  it("order the writes, and a read names its write", () => {
    expect(judge(at(write(1, 0, 9), 2), at(write(2, 1, 8), 1), at(read(1, 10, 11), 2))).toBe(true);
    expect(judge(at(write(1, 0, 9), 2), at(write(2, 1, 8), 1), at(read(2, 10, 11), 2))).toBe(false);
    expect(judge(at(write(1, 0, 1), 1), at(read(1, 2, 3), 2))).toBe(false);
  });

  it("show a write that was applied twice", () => {
    expect(judge(at(write(1, 0, 1), 1), at(read(1, 2, 3), 2))).toBe(false);
  });

  it("leave a gap only where a crashed write can have been", () => {
    expect(judge(at(write(1, 0, 1), 1), write(7, 2, Infinity), at(write(2, 3, 4), 3))).toBe(true);
    expect(judge(at(write(1, 0, 1), 1), at(write(2, 3, 4), 3))).toBe(false);
  });
});

const runs = Number(process.env.JEPSEN_LITE_RUNS ?? 3000);

describe("against the definition", () => {
  it(`agrees on ${runs} random small histories`, { timeout: 600_000 }, () => {
    const seed = Number(process.env.SEED ?? 20261123);
    const verdicts = { legal: 0, illegal: 0 };
    for (let run = 0; run < runs; run++) {
      const operations = randomHistory(seededRandom(seed + run), 8);
      const expected = isLinearizable(operations);
      verdicts[expected ? "legal" : "illegal"]++;
      const verdict = registers(historyOf(operations), {});
      const judged = operations.some((operation) => operation.to !== Infinity);
      expect(verdict.valid, `SEED=${seed + run}: ${JSON.stringify(operations)}\n${verdict.summary}`).toBe(
        expected && !judged ? "unknown" : expected,
      );
    }
    // Neither verdict is rare: the agreement means something.
    expect(Math.min(verdicts.legal, verdicts.illegal)).toBeGreaterThan(runs / 20);
  });
});

describe("long histories", () => {
  it("are decided, with crashed operations, and found illegal when one read is wrong", () => {
    const history = longHistory(seededRandom(7), { operations: 5000, clients: 20, versions: true, crashed: 3 });
    expect(registers(history, {}).valid).toBe(true);
    const spoiled = [...history];
    const at = spoiled.findIndex((event, i) => i > 6000 && event.type === "ok" && event.f === "read");
    const event = spoiled[at]!;
    spoiled[at] = { ...event, value: { ...(event.value as object), value: 99 } };
    const verdict = registers(spoiled, {});
    expect(verdict.valid).toBe(false);
    expect(verdict.anomalies[0]?.explanation).toMatch(/read 99 .* on register "?k0"? has returned/);
  });

  it("without versions are decided too, where an early choice is found wrong only much later", () => {
    for (const seed of [2, 3]) {
      const history = longHistory(seededRandom(seed), { operations: 5000, clients: 50, versions: false });
      expect(registers(history, { steps: 1_000_000 }).valid, `seed ${seed}`).toBe(true);
    }
    for (const values of [2, 100, 0]) {
      const options = { operations: 5000, clients: 50, versions: false, values, crashed: 5, restless: true };
      const history = longHistory(seededRandom(4), options);
      expect(registers(history, { steps: 20_000_000 }).valid, `${values} values`).toBe(true);
    }
    const spoiled = longHistory(seededRandom(1), { operations: 300, clients: 8, versions: false });
    const at = spoiled.findLastIndex(({ type, f }) => type === "ok" && f === "read");
    spoiled[at] = { ...spoiled[at]!, value: { key: "k0", value: 99 } };
    expect(registers(spoiled, {}).valid).toBe(false);
  });

  it("that exceed the budget are unknown", () => {
    const history = longHistory(seededRandom(7), { operations: 500, clients: 20, versions: false });
    const verdict = registers(history, { steps: 100 });
    expect(verdict.valid).toBe("unknown");
    expect(verdict.summary).toMatch(/more than 100 steps/);
  });

  it("that hold nothing to judge are unknown, and nonsense is invalid", () => {
    expect(registers([], {}).valid).toBe("unknown");
    expect(registers([{ index: 0, timeNs: 0, process: 0, type: "ok", f: "read", value: null }], {}).valid).toBe(false);
  });
});
