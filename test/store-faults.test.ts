// Short slices of `npm run soak -- store …`, and what their checker sees.
import { describe, expect, test } from "vitest";
import { toUtf8 } from "../base/mod.ts";
import { type Event, EventType } from "../proto/mod.ts";
import { failpoints } from "./soak/store/failpoints.ts";
import { History } from "./soak/store/history.ts";
import { powerLoss } from "./soak/store/power-loss.ts";
import { replace } from "./soak/store/replace.ts";
import { rolling } from "./soak/store/rolling.ts";
import { seed } from "./support/seed.ts";

const said: string[] = [];
const common = { seed, say: (line: string) => void said.push(line) };
const expectClean = (violations: readonly string[]) =>
  expect(violations, `seed ${seed}\n${said.join("\n")}`).toEqual([]);

test("members killed at failpoints, one and all three, keep each acknowledged write, once", async () => {
  const only = ["raftBeforeSave", "beforeApplyOneEntryNormal", "beforeCommit"];
  const { violations, deaths } = await failpoints({ ...common, cycles: 1, only });
  expectClean(violations);
  for (const name of only) expect(deaths[name], name).toBeGreaterThan(0);
});

describe("a loss of power", () => {
  test("takes nothing that was acknowledged", async () => {
    const { violations } = await powerLoss({ ...common, cycles: 2 });
    expectClean(violations);
  });

  test("is seen, where nothing is synced", async () => {
    const { violations } = await powerLoss({ ...common, cycles: 3, size: 1, args: ["--unsafe-no-fsync"] });
    expect(violations).not.toEqual([]);
  });
});

test("members restarted, given new certificates, added and removed under load: requests fail only while the leader changes", async () => {
  const { violations } = await rolling({ ...common, sizes: [2, 3, 4], calmMs: 100 });
  expectClean(violations);
});

test("a member is replaced behind forwarders that drop bytes, under load", async () => {
  const { violations } = await replace({ ...common, times: 1 });
  expectClean(violations);
});

describe("the checker", () => {
  const put = (key: string, value: string, modRevision: number, version = 1, createRevision = modRevision): Event => ({
    type: EventType.PUT,
    kv: { key: toUtf8(key), value: toUtf8(value), modRevision, createRevision, version, lease: 0n },
    prevKv: undefined,
  });

  interface Told {
    readonly value: string;
    readonly keys?: readonly string[];
    readonly at?: number;
    /** The revision of the acknowledgement. */
    readonly outcome: number | "unknown" | "refused";
  }

  function historyOf(writes: readonly Told[]): History {
    const history = new History(1);
    for (const { value, keys = ["a"], at = 0, outcome } of writes) {
      const write = history.send("put", keys, value, at);
      if (typeof outcome === "number") history.done(write, outcome, at + 1);
      else history.failed(write, outcome === "unknown");
    }
    return history;
  }

  test("has nothing to say of a history that is as it was told", () => {
    const history = historyOf([
      { value: "1", outcome: 2 },
      { value: "2", outcome: "unknown", keys: ["b"], at: 2 },
      { value: "3", outcome: "unknown", keys: ["b"], at: 2 },
      { value: "4", outcome: 4, keys: ["a", "b"], at: 5 },
    ]);
    const events = [put("a", "1", 2), put("b", "3", 3), put("a", "4", 4, 2, 2), put("b", "4", 4, 2, 3)];
    expect(history.check(events, 4)).toEqual([]);
    // What had no answer may still come, once.
    expect(history.check([put("b", "2", 5, 3, 3)], 5)).toEqual([]);
    expect(history.state).toEqual(["a=4 created 2 modified 4 version 2", "b=2 created 3 modified 5 version 3"]);
    expect(history.check([put("b", "2", 6, 4, 3)], 6)).toEqual(["2 put to b a second time, at 6"]);
  });

  const one: Told = { value: "1", outcome: 2 };

  test.each<[string, readonly Told[], readonly Event[], string]>([
    ["an acknowledged write that is missing", [one], [], "1, acknowledged at 2, is missing"],
    [
      "a write that is there twice",
      [one],
      [put("a", "1", 2), put("a", "1", 3, 2, 2)],
      "1 put to a a second time, at 3",
    ],
    [
      "a write that was refused",
      [{ ...one, outcome: "refused" }],
      [put("a", "1", 2)],
      "1 was refused, and put to a at 2",
    ],
    ["a write of nobody", [], [put("a", "1", 2)], "nobody put 1 to a, at 2"],
    ["half a transaction", [{ ...one, keys: ["a", "b"] }], [put("a", "1", 2)], "1 put to a, not to all of a,b"],
    [
      "a write elsewhere than the answer said",
      [{ ...one, outcome: 3 }],
      [put("a", "1", 2)],
      "1 was acknowledged at 3, and put to a at 2",
    ],
    ["a revision that is left out", [{ ...one, outcome: 3 }], [put("a", "1", 3)], "revision 3 after 1"],
    [
      "a version that skips one",
      [one],
      [put("a", "1", 2, 2)],
      "a=1 created 2 modified 2 version 2, not a=1 created 2 modified 2 version 1",
    ],
    [
      "an order that answers contradict",
      [
        { ...one, outcome: 3 },
        { value: "2", keys: ["b"], outcome: 2, at: 10 },
      ],
      [put("b", "2", 2), put("a", "1", 3)],
      "1 was answered before another was sent that has a smaller revision",
    ],
  ])("sees %s", (_, writes, events, complaint) => {
    const until = events.at(-1)?.kv?.modRevision ?? 1;
    expect(historyOf(writes).check(events, until)).toContainEqual(expect.stringContaining(complaint));
  });
});
