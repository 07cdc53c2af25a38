import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../base/mod.ts";
import type { HistoryEvent } from "../../history/mod.ts";
import type { IsolationModel } from "./isolation.ts";
import { listAppend } from "./list-append.ts";
import { concurrent, type Micro, serialHistory, transactions } from "./transactions.testing.ts";

const append = (key: string, element: number): Micro => ["append", key, element];
const read = (key: string, ...list: number[]): Micro => ["r", key, list.length === 0 ? null : list];

function kinds(history: HistoryEvent[], model?: IsolationModel): string[] {
  const { valid, anomalies } = listAppend(history, { model });
  expect(valid).toBe(anomalies.length === 0);
  return [...new Set(anomalies.map(({ kind }) => kind))].sort();
}

describe("cycles", () => {
  it("G0: two transactions' appends interleave", () => {
    const history = concurrent(
      [append("x", 1), append("y", 1)],
      [append("x", 2), append("y", 2)],
      [read("x", 1, 2), read("y", 2, 1)],
    );
    expect(kinds(history, "read-uncommitted")).toEqual(["G0"]);
  });

  it("G1c: each saw what the other wrote", () => {
    const history = concurrent([append("x", 1), read("y", 1)], [append("y", 1), read("x", 1)]);
    expect(kinds(history, "read-committed")).toEqual(["G1c"]);
    expect(kinds(history, "read-uncommitted")).toEqual([]);
  });

  it("G-single: read skew", () => {
    const history = concurrent([read("x"), read("y", 1)], [append("x", 1), append("y", 1)], [read("x", 1)]);
    expect(kinds(history)).toEqual(["G-single"]);
    expect(kinds(history, "read-committed")).toEqual([]);
  });

  it("G2-item: write skew, which snapshot isolation allows", () => {
    const history = concurrent([read("x"), append("y", 1)], [read("y"), append("x", 1)], [read("x", 1), read("y", 1)]);
    expect(kinds(history)).toEqual(["G2-item"]);
    expect(kinds(history, "snapshot-isolation")).toEqual([]);
  });

  it("G-nonadjacent: two readers see two writers in different orders, which it does not", () => {
    const history = concurrent(
      [append("x", 1)],
      [append("y", 1)],
      [read("x", 1), read("y")],
      [read("x"), read("y", 1)],
      [read("x", 1), read("y", 1)],
    );
    expect(kinds(history, "snapshot-isolation")).toEqual(["G-nonadjacent"]);
  });

  it("a stale read: only real time forbids it", () => {
    const history = transactions({ did: [append("x", 1)] }, { did: [read("x")] }, { did: [read("x", 1)] });
    expect(kinds(history)).toEqual(["G-single-realtime"]);
    expect(kinds(history, "serializable")).toEqual([]);
  });

  it("a stale read of what the process itself wrote", () => {
    const history = transactions(
      { did: [append("x", 1)], process: 7 },
      { did: [read("x")], process: 7 },
      { did: [read("x", 1)] },
    );
    expect(kinds(history, "strong-session-serializable")).toEqual(["G-single-process"]);
  });

  it("an acknowledged append that no later read shows", () => {
    const history = transactions({ did: [append("x", 1)] }, { did: [read("x")] }, { did: [read("x")] });
    expect(kinds(history)).toEqual(["G-single-realtime"]);
    expect(listAppend(history, {}).anomalies[0]?.explanation).toContain(
      "the other appended 1 to x, which it did not see",
    );
    // Lists only grow: what is missing after 2 must come after it, though it had returned before.
    const after = transactions({ did: [append("x", 1)] }, { did: [append("x", 2)] }, { did: [read("x", 2)] });
    expect(kinds(after)).toEqual(["G0-realtime"]);
    expect(kinds(transactions({ did: [append("x", 1)], type: "info" }, { did: [read("x")] }))).toEqual([]);
  });

  it("says each step in words, and what is left of isolation", () => {
    const history = concurrent([append("x", 1), read("y", 1)], [append("y", 1), read("x", 1)]);
    const { explanation, operations, cycle } = listAppend(history, {}).anomalies[0]!;
    expect(explanation).toContain("T0 comes before T1: it appended 1 to x, which the other read.");
    expect(explanation).toContain("not even read-committed");
    expect(operations).toEqual([0, 1]);
    expect(cycle).toEqual([
      { from: 0, to: 1, kind: "wr", because: "it appended 1 to x, which the other read" },
      { from: 1, to: 0, kind: "wr", because: "it appended 1 to y, which the other read" },
    ]);
  });
});

describe("what needs no cycle", () => {
  it("G1a: a failed transaction's append was read", () => {
    expect(kinds(transactions({ did: [append("x", 1)], type: "fail" }, { did: [read("x", 1)] }))).toEqual(["G1a"]);
  });

  it("dirty update: and something was built on it", () => {
    const history = transactions(
      { did: [append("x", 1)], type: "fail" },
      { did: [append("x", 2)] },
      { did: [read("x", 1, 2)] },
    );
    expect(kinds(history)).toEqual(["G1a", "dirty-update"]);
  });

  it("G1b: a read from the middle of a transaction", () => {
    expect(kinds(concurrent([append("x", 1), append("x", 2)], [read("x", 1)]), "read-committed")).toContain("G1b");
  });

  it("internal: a transaction does not see what it did itself", () => {
    expect(kinds(concurrent([append("x", 1), read("x")]))).toEqual(["internal"]);
    expect(kinds(concurrent([append("x", 2)], [read("x"), append("x", 1), read("x", 2, 1)]))).toContain("internal");
    expect(kinds(concurrent([append("x", 2)], [append("x", 1), read("x", 2, 1), read("x", 2, 1)]))).toEqual([]);
  });

  it("lost update: both read the same and appended", () => {
    const history = concurrent([read("x"), append("x", 1)], [read("x"), append("x", 2)], [read("x", 1, 2)]);
    expect(kinds(history, "snapshot-isolation")).toEqual(["G-single", "lost-update"]);
  });

  it("incompatible orders, duplicates, and elements from nowhere", () => {
    const both = [[append("x", 1)], [append("x", 2)]];
    expect(kinds(concurrent(...both, [read("x", 1, 2)], [read("x", 2, 1)]))).toEqual(["incompatible-order"]);
    expect(kinds(concurrent(...both, [read("x", 1, 2, 1)]))).toEqual(["duplicate-elements"]);
    expect(kinds(concurrent(...both, [read("x", 1, 3)]))).toContain("garbage-read");
  });

  it("a workload whose elements are not unique is not judged", () => {
    expect(listAppend(concurrent([append("x", 1)], [append("x", 1)]), {}).valid).toBe(false);
    expect(listAppend([], {}).valid).toBe("unknown");
  });
});

describe("random histories of a serial store", () => {
  it("are valid, also with crashes", () => {
    for (let seed = 0; seed < 20; seed++) {
      const history = serialHistory(seededRandom(seed), {
        kind: "append",
        transactions: 500,
        clients: 10,
        keys: 3,
        perKey: 30,
        crashed: 20,
      });
      expect(listAppend(history, {}).summary, `seed ${seed}`).toMatch(/^Valid: \d+ transactions/);
    }
  });
});
