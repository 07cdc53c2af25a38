import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../base/mod.ts";
import type { HistoryEvent } from "../../history/mod.ts";
import { type RegisterOptions, rwRegister } from "./rw-register.ts";
import { concurrent, type Micro, serialHistory, transactions } from "./transactions.testing.ts";

const write = (key: string, value: number): Micro => ["w", key, value];
const read = (key: string, value: number | null): Micro => ["r", key, value];

function kinds(history: HistoryEvent[], options: RegisterOptions = {}): string[] {
  const { valid, anomalies } = rwRegister(history, options);
  expect(valid).toBe(anomalies.length === 0);
  return [...new Set(anomalies.map(({ kind }) => kind))].sort();
}

describe("cycles of registers", () => {
  it("G1c: each saw what the other wrote", () => {
    expect(kinds(concurrent([write("x", 1), read("y", 1)], [write("y", 1), read("x", 1)]))).toEqual(["G1c"]);
  });

  it("G-single: read skew", () => {
    expect(kinds(concurrent([read("x", null), read("y", 1)], [write("x", 1), write("y", 1)]))).toEqual(["G-single"]);
  });

  it("G2-item: write skew, which snapshot isolation allows", () => {
    const history = concurrent([read("x", null), write("y", 1)], [read("y", null), write("x", 1)]);
    expect(kinds(history)).toEqual(["G2-item"]);
    expect(kinds(history, { model: "snapshot-isolation" })).toEqual([]);
  });

  it("a stale read of null, and with linearizable keys of any value", () => {
    expect(kinds(transactions({ did: [write("x", 1)] }, { did: [read("x", null)] }))).toEqual(["G-single-realtime"]);
    const later = transactions({ did: [write("x", 1)] }, { did: [write("x", 2)] }, { did: [read("x", 1)] });
    expect(kinds(later)).toEqual([]);
    expect(kinds(later, { linearizableKeys: true })).toEqual(["G-single-realtime"]);
  });
});

describe("what needs no cycle", () => {
  it("aborted, intermediate, internal, future and garbage reads, dirty and lost updates", () => {
    expect(kinds(transactions({ did: [write("x", 1)], type: "fail" }, { did: [read("x", 1)] }))).toEqual(["G1a"]);
    expect(kinds(concurrent([write("x", 1), write("x", 2)], [read("x", 1)]), { model: "read-committed" })).toContain(
      "G1b",
    );
    expect(kinds(concurrent([write("x", 1), read("x", null)]))).toEqual(["internal"]);
    expect(kinds(concurrent([read("x", 1), write("x", 1)]))).toEqual(["future-read"]);
    expect(kinds(concurrent([read("x", 1)]))).toEqual(["garbage-read"]);
    const dirty = transactions({ did: [write("x", 1)], type: "fail" }, { did: [read("x", 1), write("x", 2)] });
    expect(kinds(dirty)).toEqual(["G1a", "dirty-update"]);
    const lost = concurrent([read("x", null), write("x", 1)], [read("x", null), write("x", 2)]);
    expect(kinds(lost)).toContain("lost-update");
  });

  it("versions in a circle", () => {
    expect(kinds(concurrent([read("x", 1), write("x", 2)], [read("x", 2), write("x", 1)]))).toContain(
      "cyclic-versions",
    );
  });

  it("values that are written twice are not judged, nor is nothing", () => {
    expect(rwRegister(concurrent([write("x", 1)], [write("x", 1)]), {}).valid).toBe(false);
    expect(rwRegister([], {}).valid).toBe("unknown");
  });
});

describe("random histories of a serial store", () => {
  it("are valid, also with crashes", () => {
    for (let seed = 0; seed < 20; seed++) {
      const history = serialHistory(seededRandom(seed), {
        kind: "w",
        transactions: 500,
        clients: 10,
        keys: 3,
        perKey: 30,
        crashed: 20,
      });
      expect(rwRegister(history, { linearizableKeys: true }).summary, `seed ${seed}`).toMatch(
        /^Valid: \d+ transactions/,
      );
    }
  });
});
