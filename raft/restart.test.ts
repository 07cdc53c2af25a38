import { describe, expect, test } from "vitest";
import { entry, LoneNode, logOf } from "./node.testing.ts";
import { EntryType, emptyConfState, noBytes } from "./types.ts";

const change = (term: number, index: number) => ({ ...entry(term, index, "change"), type: EntryType.EntryConfChange });

describe("a node refuses to start", () => {
  test("without entries that it knew to be committed", () => {
    expect(() => new LoneNode({ log: logOf([1]), hardState: { term: 1, commit: 2 } })).toThrow(
      "missing from the stored log",
    );
  });

  test("without entries that it had applied", () => {
    expect(() => new LoneNode({ log: logOf([1]), hardState: { commit: 1 }, applied: 2 })).toThrow("what was applied");
  });

  test("with a commit index from before its snapshot", () => {
    const lone = new LoneNode({ log: logOf([1, 1, 1]), hardState: { term: 1, commit: 3 }, applied: 3 });
    lone.storage.createSnapshot(3, lone.node.confState, noBytes);
    lone.storage.compact(3);
    lone.storage.setHardState({ term: 1, vote: 0n, commit: 2 });
    expect(() => new LoneNode({ storage: lone.storage })).toThrow("not below the stored snapshot");
  });
});

describe("after a crash in the middle of a write", () => {
  test("a term that only the entries know is not voted in as if it had not been seen", () => {
    const { node } = new LoneNode({ log: logOf([1, 4]), hardState: { term: 1, vote: 2n } });
    expect(node.status()).toMatchObject({ term: 4, vote: 0n });
    expect(node.ready().hardState).toMatchObject({ term: 4 });
  });

  test("what was applied counts as committed, though the note of it was lost", () => {
    expect(new LoneNode({ log: logOf([1, 1]), hardState: { commit: 0 }, applied: 2 }).node.committed).toBe(2);
  });

  test("a second change of membership proves that the first was committed", () => {
    const log = [entry(1, 1), change(1, 2), entry(1, 3), change(2, 4), entry(2, 5)];
    const { node } = new LoneNode({ log, hardState: { commit: 1 }, applied: 1 });
    expect(node.committed).toBe(2);
    node.campaign();
    expect(node.role).toBe("follower"); // whose votes it needs is not known until it is applied
  });
});

test("what was applied is not handed out again, and the membership as of then is in force", () => {
  const conf = { ...emptyConfState(), voters: [1n, 2n], learners: [3n] };
  const { node } = new LoneNode({ log: logOf([1, 1, 1]), hardState: { term: 1, commit: 3 }, applied: 2, conf });
  expect(node.confState).toEqual(conf);
  expect(node.ready().committed.map(({ index }) => index)).toEqual([3]);
});

test("settings that contradict each other are refused", () => {
  expect(() => new LoneNode({ id: 0n })).toThrow("a node's id is not 0");
  expect(() => new LoneNode({ electionTicks: 3, heartbeatTicks: 3 })).toThrow("longer than a heartbeat");
  expect(() => new LoneNode({ maxInflightBytes: 10, maxMessageBytes: 20 })).toThrow("a full message may be on its way");
});
