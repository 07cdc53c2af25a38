import { describe, expect, test } from "vitest";
import { Inflights } from "./inflights.ts";
import { Progress } from "./progress.ts";

const progressAt = (next: number, maxInflight = 10) =>
  new Progress(2n, next, new Inflights(maxInflight, Number.POSITIVE_INFINITY));

describe("probing", () => {
  test("sends one append, then waits for a sign of life", () => {
    const progress = progressAt(5);
    progress.sentEntries(3, 30, 4);
    expect([progress.next, progress.paused]).toEqual([5, true]);
    progress.resume();
    expect(progress.paused).toBe(false);
  });

  test("goes back to the hint, and minds only the answer to its last probe", () => {
    const progress = progressAt(10);
    expect(progress.maybeDecrease(7, 3)).toBe(false);
    expect(progress.maybeDecrease(9, 3)).toBe(true);
    expect(progress.next).toBe(4);
  });

  test("never goes back to what is known to match", () => {
    const progress = progressAt(10);
    progress.maybeUpdate(6);
    progress.becomeProbe();
    expect(progress.maybeDecrease(6, 1)).toBe(true);
    expect(progress.next).toBe(7);
  });
});

describe("replicating", () => {
  test("runs ahead of the answers until the window is full, then lets one through after each sign of life", () => {
    const progress = progressAt(1, 2);
    progress.becomeReplicate();
    progress.sentEntries(2, 20, 0);
    expect([progress.next, progress.paused]).toEqual([3, false]);
    progress.sentEntries(1, 10, 0);
    expect([progress.next, progress.paused]).toEqual([4, true]);
    progress.resume();
    progress.sentEntries(0, 0, 0);
    expect(progress.paused).toBe(true);
  });

  test("an old rejection changes nothing; a new one falls back to what matches", () => {
    const progress = progressAt(1);
    progress.becomeReplicate();
    progress.sentEntries(9, 90, 0);
    progress.maybeUpdate(5);
    expect(progress.maybeDecrease(5, 2)).toBe(false);
    expect(progress.maybeDecrease(9, 2)).toBe(true);
    expect(progress.next).toBe(6);
  });

  test("an old acknowledgement changes nothing", () => {
    const progress = progressAt(1);
    progress.maybeUpdate(5);
    expect(progress.maybeUpdate(4)).toBe(false);
    expect(progress.match).toBe(5);
  });
});

describe("sending a snapshot", () => {
  test("holds everything else back; delivered, it is taken as installed", () => {
    const progress = progressAt(1);
    progress.becomeSnapshot(20);
    expect([progress.paused, progress.next]).toEqual([true, 21]);
    progress.resume();
    expect(progress.paused).toBe(true);
    progress.becomeProbe();
    expect([progress.next, progress.paused]).toEqual([21, false]);
  });

  test("failed, the follower is where it was", () => {
    const progress = progressAt(1);
    progress.maybeUpdate(4);
    progress.becomeSnapshot(20);
    progress.snapshotFailed();
    expect([progress.state, progress.next]).toEqual(["probe", 5]);
  });

  test("a rejection of an append from before it is ignored", () => {
    const progress = progressAt(21);
    progress.becomeSnapshot(20);
    expect(progress.maybeDecrease(20, 3)).toBe(false);
    progress.checkInvariants(30);
  });
});
