import { expect, test } from "vitest";
import { EntryType, MemoryStorage, type Term } from "../../raft/mod.ts";
import { DurableLog } from "./durable-log.ts";

/** A log with entries of these terms, from 1 on. */
function logOf(...terms: readonly Term[]): MemoryStorage {
  const storage = new MemoryStorage();
  const data = new Uint8Array(0);
  storage.append(terms.map((term, at) => ({ type: EntryType.EntryNormal, index: at + 1, term, data })));
  return storage;
}

function restart(before: MemoryStorage, after: MemoryStorage): DurableLog {
  const log = new DurableLog("m0");
  log.found(before);
  log.found(after);
  return log;
}

test("what is durable and not found again is noticed, and what stands in its place, too", () => {
  expect(() => restart(logOf(1, 2, 2), logOf(1, 2))).toThrow("m0 had 3, found 2");
  expect(() => restart(logOf(1, 2, 2), logOf(1, 1, 2))).toThrow("m0 had 2/2, found 1");
});

test("a write that was under way may be found, also in the place of more than it brings", () => {
  expect(restart(logOf(1, 2), logOf(1, 2, 2)).last).toBe(3);
  const log = restart(logOf(1, 2, 2, 2), logOf(1, 3));
  expect(log.last).toBe(2);
  expect(log.has(2, 3)).toBe(true);
  expect(log.has(3, 2)).toBe(false);
});
