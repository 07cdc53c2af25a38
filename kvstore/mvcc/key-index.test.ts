import { expect, test } from "vitest";
import { KeyIndex } from "./key-index.ts";
import { type Record, recordAt } from "./record.ts";

function record(text: string): Record {
  return recordAt(Buffer.from(text), 0, text.length);
}

/** put @ 1.0, put @ 2.0, delete @ 3.1, put @ 4.0 */
function twoGenerations(): KeyIndex {
  const index = new KeyIndex("a");
  index.put(1, 0, 1, 1, 0n, record("one"));
  index.put(2, 0, 1, 2, 0n, record("two"));
  index.tombstone(3, 1);
  index.put(4, 0, 4, 1, 0n, record("four"));
  return index;
}

function compacted(index: KeyIndex, revision: number): string[] {
  const dropped: string[] = [];
  index.compact(revision, ({ main, sub, tombstone }) => dropped.push(`${main}.${sub}${tombstone ? "t" : ""}`));
  return dropped;
}

test("a read sees the last version that is not after it", () => {
  const index = twoGenerations();
  expect(index.at(0)).toBeUndefined();
  expect(index.at(1)).toEqual({ main: 1, sub: 0, tombstone: false });
  expect(index.at(3)).toEqual({ main: 3, sub: 1, tombstone: true });
  expect(index.at(9)).toEqual({ main: 4, sub: 0, tombstone: false });
});

test("of two versions with one main the later counts", () => {
  const index = new KeyIndex("a");
  index.put(2, 0, 2, 1, 0n, record("put by one nested transaction"));
  index.tombstone(2, 1);
  expect(index.at(2)).toEqual({ main: 2, sub: 1, tombstone: true });
  expect(compacted(index, 2)).toEqual(["2.0"]);
});

test.each([
  { at: 1, drops: [] },
  { at: 2, drops: ["1.0"] },
  { at: 3, drops: ["1.0", "2.0"] },
  { at: 4, drops: ["1.0", "2.0", "3.1t"] },
  { at: 9, drops: ["1.0", "2.0", "3.1t"] },
])("compaction at $at drops $drops", ({ at, drops }) => {
  const index = twoGenerations();
  expect(compacted(index, at)).toEqual(drops);
  expect(compacted(index, at)).toEqual([]);
  expect(index.at(4)).toEqual({ main: 4, sub: 0, tombstone: false });
});

test("a tombstone goes when compaction has passed it, and the key with it", () => {
  const index = new KeyIndex("a");
  index.put(1, 0, 1, 1, 0n, record("one"));
  index.tombstone(2, 0);
  expect(compacted(index, 2)).toEqual(["1.0"]);
  expect(index.empty).toBe(false);
  expect(compacted(index, 3)).toEqual(["2.0t"]);
  expect(index.empty).toBe(true);
});

test("revisions of a key only grow", () => {
  const index = twoGenerations();
  expect(() => index.put(4, 0, 4, 2, 0n, record("again"))).toThrow("only grow");
});
