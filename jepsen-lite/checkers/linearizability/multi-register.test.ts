import { describe, expect, it } from "vitest";
import type { HistoryEvent, Json } from "../../history/mod.ts";
import { multiRegisters } from "./multi-register.ts";

type MicroOp = readonly ["r" | "w", string, number | null];

/** Each by its own process: when, and what was read and written. Without an end it crashed. */
function history(...transactions: readonly { at: number; to?: number; ops: readonly MicroOp[] }[]): HistoryEvent[] {
  const events = transactions.flatMap(({ at, to, ops }, process) => {
    const asked: Json = ops.map(([kind, key, value]) => [kind, key, kind === "r" ? null : value]);
    const invoke = { at, process, f: "txn", type: "invoke" as const, value: asked };
    const ended =
      to === undefined
        ? { at: at + 0.5, type: "info" as const, value: asked }
        : { at: to, type: "ok" as const, value: ops };
    return [invoke, { process, f: "txn", ...ended }];
  });
  events.sort((a, b) => a.at - b.at);
  return events.map(({ at, ...event }, index) => ({ index, timeNs: at * 1e9, ...event }));
}

describe("registers of transactions", () => {
  it("are one object as far as transactions link them", () => {
    const skewed = history(
      {
        at: 0,
        to: 1,
        ops: [
          ["w", "x", 1],
          ["w", "y", 1],
        ],
      },
      {
        at: 2,
        to: 5,
        ops: [
          ["w", "x", 2],
          ["w", "y", 2],
        ],
      },
      {
        at: 3,
        to: 4,
        ops: [
          ["r", "x", 2],
          ["r", "y", 1],
        ],
      },
    );
    expect(multiRegisters(skewed, {})).toMatchObject({ valid: false, figures: { objects: 1 } });
    const apart = history(
      { at: 0, to: 1, ops: [["w", "x", 1]] },
      {
        at: 2,
        to: 5,
        ops: [
          ["w", "x", 2],
          ["r", "x", 2],
        ],
      },
      {
        at: 3,
        to: 4,
        ops: [
          ["r", "y", null],
          ["w", "z", 1],
        ],
      },
    );
    expect(multiRegisters(apart, {})).toMatchObject({ valid: true, figures: { objects: 2 } });
    // A chain links its ends.
    const chain = history(
      {
        at: 0,
        to: 1,
        ops: [
          ["w", "x", 1],
          ["w", "y", 1],
        ],
      },
      {
        at: 2,
        to: 3,
        ops: [
          ["w", "y", 2],
          ["w", "z", 2],
        ],
      },
      {
        at: 4,
        to: 5,
        ops: [
          ["r", "z", 2],
          ["r", "x", null],
        ],
      },
    );
    expect(multiRegisters(chain, {})).toMatchObject({ valid: false, figures: { objects: 1 } });
  });

  it("may hold what a crashed transaction wrote, whole or not at all", () => {
    const crashed = {
      at: 0,
      ops: [
        ["w", "x", 1],
        ["w", "y", 1],
      ],
    } as const;
    const read = (x: number | null, y: number | null) => ({
      at: 2,
      to: 3,
      ops: [
        ["r", "x", x],
        ["r", "y", y],
      ] as const,
    });
    expect(multiRegisters(history(crashed, read(1, 1)), {}).valid).toBe(true);
    expect(multiRegisters(history(crashed, read(null, null)), {}).valid).toBe(true);
    expect(multiRegisters(history(crashed, read(1, null)), {}).valid).toBe(false);
  });

  it("are not searched for the place of crashed transactions that nobody saw", () => {
    const crashed = Array.from({ length: 30 }, (_, value) => ({ at: value, ops: [["w", "x", value + 100]] as const }));
    const seen = { at: 40, to: 41, ops: [["w", "x", 1]] as const };
    const verdict = multiRegisters(history(...crashed, seen, { at: 42, to: 43, ops: [["r", "x", 2]] }), {
      steps: 1000,
    });
    expect(verdict.valid).toBe(false);
  });
});
