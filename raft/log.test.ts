import { describe, expect, test } from "vitest";
import { RaftLog } from "./log.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { entry, logOf } from "./node.testing.ts";
import { entrySizeBytes, type Term } from "./types.ts";

function raftLog(
  terms: readonly Term[],
  { maxApplyingBytes = 1e6, committed = 0, stored = terms.length, applyUnstable = false } = {},
) {
  const storage = new MemoryStorage();
  storage.append(logOf(terms.slice(0, stored)));
  const log = new RaftLog({ storage, applied: 0, maxApplyingBytes, applyUnstable }, 0);
  log.append(logOf(terms).slice(stored));
  log.commitTo(committed);
  return log;
}

const termsOf = (log: RaftLog) => (log.entriesFrom(1, 1e9) ?? []).map(({ term }) => term);

describe("who is up to date (§5.4.1)", () => {
  // The logs of Figure 7, asking each other for a vote.
  const logs: Readonly<Record<string, readonly Term[]>> = {
    leader: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6],
    a: [1, 1, 1, 4, 4, 5, 5, 6, 6],
    b: [1, 1, 1, 4],
    c: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    d: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    e: [1, 1, 1, 4, 4, 4, 4],
    f: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  };
  test.each([
    ["leader", "leader a b e f"],
    ["a", "a b e f"],
    ["b", "b f"],
    ["c", "leader a b c e f"],
    ["d", "leader a b c d e f"],
    ["e", "b e f"],
    ["f", "f"],
  ])("%s would get the votes of %s", (candidate, voters) => {
    const own = logs[candidate] as readonly Term[];
    const granting = Object.keys(logs).filter((voter) =>
      raftLog(logs[voter] as readonly Term[]).isUpToDate(own.length, own.at(-1) as Term),
    );
    expect(granting.join(" ")).toBe(voters);
  });
});

describe("a follower's append (§5.3)", () => {
  test("an old one, delivered late, cuts nothing off", () => {
    const log = raftLog([1, 1, 1, 1, 1]);
    expect(log.maybeAppend(1, 1, [entry(1, 2), entry(1, 3)])).toBe(3);
    expect(termsOf(log)).toEqual([1, 1, 1, 1, 1]);
  });

  test("a conflict cuts off everything from there on", () => {
    const log = raftLog([1, 1, 2, 2, 2]);
    expect(log.maybeAppend(2, 1, [entry(3, 3)])).toBe(3);
    expect(termsOf(log)).toEqual([1, 1, 3]);
  });

  test.each([
    [3, 1],
    [9, 2],
  ])("after %d/%d, which is not in the log, is refused", (index, term) => {
    const log = raftLog([1, 1, 2]);
    expect(log.maybeAppend(index, term, [entry(3, index + 1)])).toBeUndefined();
    expect(termsOf(log)).toEqual([1, 1, 2]);
  });

  test("a conflict with what is committed stops the node", () => {
    const log = raftLog([1, 1, 1], { committed: 3 });
    expect(() => log.maybeAppend(1, 1, [entry(2, 2)])).toThrow("what is committed is never overwritten");
  });
});

test.each([
  ["beyond what a shorter log has", [1, 1, 1], 3, 4, { index: 3, term: 1 }],
  ["over a whole term that is newer", [1, 1, 5, 5, 5], 5, 4, { index: 2, term: 1 }],
  ["to the same term", [1, 2, 2, 4], 4, 2, { index: 3, term: 2 }],
  ["down to the beginning", [5, 5], 2, 4, { index: 0, term: 0 }],
])("a search for where logs may agree goes back %s", (_, terms, index, term, found) => {
  expect(raftLog(terms).findConflictByTerm(index, term)).toEqual(found);
});

describe("what is committed", () => {
  test("never goes back, and never beyond the log", () => {
    const log = raftLog([1, 1], { committed: 2 });
    log.commitTo(1);
    expect(log.committed).toBe(2);
    expect(() => log.commitTo(3)).toThrow("was the log damaged or lost?");
  });

  test("is handed out once, and only when it is durable here", () => {
    const log = raftLog([1, 1, 1], { stored: 1, committed: 3 });
    expect(log.handOutCommitted().map(({ index }) => index)).toEqual([1]);
    expect(log.handOutCommitted()).toEqual([]);
    log.handOutUnstable(1);
    expect(log.handOutCommitted()).toEqual([]);
    log.persisted(1);
    expect(log.durableIndex).toBe(3);
  });

  test("waits for the host when too much of it is being applied", () => {
    const twoEntries = 2 * entrySizeBytes(entry(1, 1, "1/1"));
    const log = raftLog([1, 1, 1, 1, 1], { committed: 5, maxApplyingBytes: twoEntries });
    expect(log.handOutCommitted().map(({ index }) => index)).toEqual([1, 2]);
    expect(log.hasCommitted).toBe(false);
    log.appliedTo(2);
    expect(log.handOutCommitted().map(({ index }) => index)).toEqual([3, 4]);
  });
});

test("entries come out over the border of storage within their bound, and at least one of them", () => {
  const log = raftLog([1, 1, 1, 1], { stored: 2 });
  const one = entrySizeBytes(entry(1, 1, "1/1"));
  const indexes = (low: number, bytes: number) => log.entriesFrom(low, bytes)?.map(({ index }) => index);
  expect(indexes(1, 1)).toEqual([1]);
  expect(indexes(1, 3 * one)).toEqual([1, 2, 3]);
  expect(indexes(2, 100 * one)).toEqual([2, 3, 4]);
  expect(indexes(3, one)).toEqual([3]);
  expect(indexes(5, one)).toEqual([]);
});
