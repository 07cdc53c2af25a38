import { describe, expect, test } from "vitest";
import { MemoryStorage } from "./memory-storage.ts";
import { entry, logOf, snapshotAt } from "./node.testing.ts";
import { emptyConfState, noBytes } from "./types.ts";

const confState = { ...emptyConfState(), voters: [1n] };

describe("the log in memory", () => {
  test("forgets what was compacted, but for the term it ended with", () => {
    const storage = new MemoryStorage();
    storage.append(logOf([1, 1, 2, 3]));
    storage.createSnapshot(3, confState, noBytes);
    storage.compact(3);
    expect([storage.firstIndex(), storage.lastIndex()]).toEqual([4, 4]);
    expect([2, 3, 4, 5].map((index) => storage.term(index))).toEqual([undefined, 2, 3, undefined]);
    expect(() => storage.compact(3)).toThrow("gone");
  });

  test("replaces what is appended again", () => {
    const storage = new MemoryStorage();
    storage.append(logOf([1, 1, 1]));
    storage.append([entry(2, 2)]);
    expect([storage.lastIndex(), storage.term(2)]).toEqual([2, 2]);
    expect(() => storage.append([entry(2, 9)])).toThrow("no gaps");
  });

  test("starts over after a snapshot, and skips what lies before it", () => {
    const storage = new MemoryStorage();
    storage.append(logOf([1, 1]));
    storage.applySnapshot(snapshotAt(3, 10, [1n, 2n]));
    expect([storage.firstIndex(), storage.lastIndex(), storage.term(10)]).toEqual([11, 10, 3]);
    storage.append([entry(3, 10), entry(3, 11)]);
    expect([storage.firstIndex(), storage.lastIndex()]).toEqual([11, 11]);
    expect(storage.initialState().confState.voters).toEqual([1n, 2n]);
  });
});
