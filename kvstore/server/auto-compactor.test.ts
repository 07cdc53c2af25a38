import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../base/mod.ts";
import { AutoCompactor } from "./auto-compactor.ts";
import type { AutoCompaction } from "./options.ts";

const minute = 60_000;

/** A store whose revision grows by one a minute, and what was asked to be compacted, by the minute. */
function compactions(retention: AutoCompaction, { failing = 0, leads = (): boolean => true } = {}) {
  const clock = new VirtualClock();
  const asked: [number, number][] = [];
  const now = () => Math.round(clock.monotonic() / minute);
  const compactor = new AutoCompactor({
    retention,
    clock,
    log: () => undefined,
    isLeader: () => leads(),
    revision: () => 1 + now(),
    async compact(revision) {
      asked.push([now(), revision]);
      return asked.length > failing;
    },
  });
  const pass = async (minutes: number) => {
    for (let passed = 0; passed < minutes; passed++) {
      clock.advance(minute);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { asked, pass, compactor };
}

describe("by time", () => {
  test("history is kept for ten minutes, and a tenth more: what was current then goes, every ten minutes", async () => {
    const { asked, pass } = compactions({ mode: "periodic", retentionMs: 10 * minute });
    await pass(35);
    expect(asked).toEqual([
      [10, 1],
      [20, 10],
      [30, 20],
    ]);
  });

  test("kept for a day, it goes every hour", async () => {
    const { asked, pass } = compactions({ mode: "periodic", retentionMs: 24 * 60 * minute });
    await pass(26 * 60);
    expect(asked.map(([at]) => at)).toEqual([24 * 60, 25 * 60, 26 * 60]);
    expect(asked.map(([, revision]) => revision)).toEqual([1, 55, 115]);
  });

  test("a compaction that failed is tried again at the next look", async () => {
    const { asked, pass } = compactions({ mode: "periodic", retentionMs: 10 * minute }, { failing: 2 });
    await pass(13);
    expect(asked.map(([at]) => at)).toEqual([10, 11, 12]);
  });

  test("only the leader compacts; whoever takes over has looked on", async () => {
    let leads = false;
    const { asked, pass } = compactions({ mode: "periodic", retentionMs: 10 * minute }, { leads: () => leads });
    await pass(24);
    expect(asked).toEqual([]);
    leads = true;
    await pass(1);
    expect(asked).toEqual([[25, 15]]);
  });

  test("stopped, it asks for nothing more", async () => {
    const { asked, pass, compactor } = compactions({ mode: "periodic", retentionMs: 10 * minute });
    compactor.stop();
    await pass(20);
    expect(asked).toEqual([]);
  });
});

test("by revision, all but the newest go every five minutes", async () => {
  const { asked, pass } = compactions({ mode: "revision", retention: 7 });
  await pass(16);
  expect(asked).toEqual([
    [10, 4],
    [15, 9],
  ]);
});
