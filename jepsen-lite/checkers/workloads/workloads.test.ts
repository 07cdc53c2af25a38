import { describe, expect, it } from "vitest";
import type { EventType, HistoryEvent, Json } from "../../history/mod.ts";
import { bank } from "./bank.ts";
import { counter } from "./counter.ts";
import { longFork } from "./long-fork.ts";
import { queue } from "./queue.ts";
import { setFull } from "./set-full.ts";

/** Each operation by its own process: when, what, asked and got. Without an end it crashed. */
function history(
  ...operations: readonly { from: number; to?: number; f: string; asked: Json; got?: Json; type?: EventType }[]
): HistoryEvent[] {
  const events = operations.flatMap(({ from, to, f, asked, got, type = "ok" }, process) => {
    const invoke = { at: from, process, f, type: "invoke" as EventType, value: asked };
    return to === undefined ? [invoke] : [invoke, { at: to, process, f, type, value: got ?? asked }];
  });
  events.sort((a, b) => a.at - b.at);
  return events.map(({ at, ...event }, index) => ({ index, timeNs: at * 1e9, ...event }));
}

const kindsOf = (verdict: { anomalies: readonly { kind: string }[] }) => verdict.anomalies.map(({ kind }) => kind);

describe("set-full", () => {
  const add = (element: number, from: number, to?: number, type?: EventType) => ({
    f: "add",
    asked: { element },
    from,
    to,
    type,
  });
  const read = (elements: number[], from: number, to: number) => ({
    f: "read",
    asked: null,
    got: { elements },
    from,
    to,
  });

  it("what was acknowledged is read by all that begin later", () => {
    expect(setFull(history(add(1, 0, 1), add(2, 0, 5), read([1], 2, 3), read([1, 2], 6, 7)), {}).valid).toBe(true);
  });

  it("lost: missing at the end; stale: missing once", () => {
    expect(kindsOf(setFull(history(add(1, 0, 1), read([1], 2, 3), read([], 4, 5)), {}))).toEqual(["lost"]);
    const stale = history(add(1, 0, 1), read([], 2, 3), read([1], 4, 5));
    expect(kindsOf(setFull(stale, {}))).toEqual(["stale"]);
    expect(setFull(stale, { linearizable: false })).toMatchObject({ valid: true, figures: { stale: 1 } });
  });

  it("a crashed add may be missing until somebody has seen it", () => {
    expect(setFull(history(add(1, 0), add(2, 0, 1), read([2], 2, 3), read([1, 2], 4, 5)), {}).valid).toBe(true);
    expect(kindsOf(setFull(history(add(1, 0), read([1], 2, 3), read([], 4, 5)), {}))).toEqual(["lost"]);
  });

  it("phantoms, duplicates, and what failed", () => {
    expect(kindsOf(setFull(history(read([1], 2, 3)), {}))).toEqual(["phantom"]);
    expect(kindsOf(setFull(history(add(1, 0, 1), read([1, 1], 2, 3)), {}))).toEqual(["duplicate"]);
    expect(kindsOf(setFull(history(add(1, 0, 1, "fail"), read([1], 2, 3)), {}))).toEqual(["aborted"]);
  });
});

describe("counter", () => {
  const add = (delta: number, from: number, to?: number, type?: EventType) => ({
    f: "add",
    asked: { delta },
    from,
    to,
    type,
  });
  const read = (value: number, from: number, to: number) => ({ f: "read", asked: null, got: { value }, from, to });

  it("lies between what was certainly added and what may have been", () => {
    const adds = [add(1, 0, 1), add(2, 2, 10), add(4, 3), add(-8, 4, 5, "fail")];
    for (const value of [1, 3, 5, 7])
      expect(counter(history(...adds, read(value, 6, 7)), {}).valid, `${value}`).toBe(true);
    expect(kindsOf(counter(history(...adds, read(0, 6, 7)), {}))).toEqual(["too-low"]);
    expect(kindsOf(counter(history(...adds, read(8, 6, 7)), {}))).toEqual(["too-high"]);
    expect(kindsOf(counter(history(...adds, read(2, 11, 12)), {}))).toEqual(["too-low"]);
  });

  it("counts down too", () => {
    expect(counter(history(add(-3, 0, 9), read(-3, 1, 2), read(0, 3, 4)), {}).valid).toBe(true);
    expect(kindsOf(counter(history(add(-3, 0, 1), read(0, 2, 3)), {}))).toEqual(["too-high"]);
  });
});

describe("bank", () => {
  const options = { accounts: ["a", "b"], total: 10 };
  const read = (balances: Json, from: number) => ({ f: "read", asked: null, got: { balances }, from, to: from + 1 });

  it("money is neither made nor lost, and no account is in debt", () => {
    expect(bank(history(read({ a: 3, b: 7 }, 0)), options).valid).toBe(true);
    expect(kindsOf(bank(history(read({ a: 3, b: 8 }, 0)), options))).toEqual(["wrong-total"]);
    expect(kindsOf(bank(history(read({ a: -1, b: 11 }, 0)), options))).toEqual(["negative-balance"]);
    expect(kindsOf(bank(history(read({ a: 10 }, 0)), options))).toEqual(["missing-account"]);
  });
});

describe("long fork", () => {
  const read = (values: Json, from: number) => ({ f: "read", asked: null, got: { values }, from, to: from + 1 });

  it("two reads that saw two writes in different orders", () => {
    const x = read({ x: 1, y: null }, 0);
    expect(longFork(history(x, read({ x: 1, y: 1 }, 2)), {}).valid).toBe(true);
    expect(kindsOf(longFork(history(x, read({ x: null, y: 1 }, 2), read({ x: 1, y: 1 }, 4)), {}))).toEqual([
      "long-fork",
    ]);
  });
});

describe("queue", () => {
  const put = (element: number, from: number, to?: number, type?: EventType) => {
    return { f: "enqueue", asked: { element }, from, ...(to === undefined ? {} : { to }), ...(type ? { type } : {}) };
  };
  const take = (element: number, from: number, to: number) => {
    return { f: "dequeue", asked: null, got: { element }, from, to };
  };

  it("gives back what was put in, once and in order", () => {
    expect(queue(history(put(1, 0, 1), put(2, 2, 3), take(1, 4, 5), take(2, 6, 7)), {}).valid).toBe(true);
    // At the same time means in any order.
    expect(queue(history(put(1, 0, 3), put(2, 1, 2), take(2, 4, 5), take(1, 6, 7)), {}).valid).toBe(true);
    expect(queue(history(put(1, 0, 1), put(2, 2, 3), take(2, 4, 8), take(1, 6, 7)), {}).valid).toBe(true);
    expect(kindsOf(queue(history(put(1, 0, 1), put(2, 2, 3), take(2, 4, 5), take(1, 6, 7)), {}))).toEqual([
      "out-of-order",
    ]);
  });

  it("loses nothing, gives nothing twice, and makes nothing up", () => {
    expect(kindsOf(queue(history(put(1, 0, 1), put(2, 2, 3), take(1, 4, 5)), {}))).toEqual(["lost"]);
    expect(kindsOf(queue(history(put(1, 0, 1), take(1, 2, 3), take(1, 4, 5)), {}))).toEqual(["taken-twice"]);
    expect(kindsOf(queue(history(take(1, 2, 3)), {}))).toEqual(["phantom"]);
    expect(kindsOf(queue(history(put(1, 0, 1, "fail"), take(1, 2, 3)), {}))).toEqual(["phantom"]);
  });

  it("may have lost to one that crashed what that was after, or any one", () => {
    const crashed = (got: Json) => ({ f: "dequeue", asked: null, got, from: 6, to: 7, type: "info" as EventType });
    const two = [put(1, 0, 1), put(2, 2, 3), take(1, 4, 5)];
    expect(queue(history(...two, crashed({ element: 2 })), {}).valid).toBe(true);
    expect(queue(history(...two, crashed(null)), {}).valid).toBe(true);
    expect(kindsOf(queue(history(...two, crashed({ element: 1 })), {}))).toEqual(["lost"]);
    expect(queue(history(put(1, 0), put(2, 2, 3), take(2, 4, 5)), {}).valid).toBe(true);
  });
});
