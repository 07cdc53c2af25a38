import { describe, expect, test } from "vitest";
import { Inflights } from "./inflights.ts";

describe("the window of appends on their way", () => {
  test("is full at its number of messages and opens as they are acknowledged", () => {
    const window = new Inflights(3, Number.POSITIVE_INFINITY);
    for (const index of [10, 20, 30]) window.add(index, 1);
    expect(window.full).toBe(true);
    expect(() => window.add(40, 1)).toThrow("full window");
    window.freeUpTo(19);
    expect([window.count, window.full]).toEqual([2, false]);
    window.freeUpTo(30);
    expect([window.count, window.sizeBytes]).toEqual([0, 0]);
  });

  test("is full once its bytes are used up, though the message that did it was let through", () => {
    const window = new Inflights(100, 1000);
    window.add(1, 999);
    expect(window.full).toBe(false);
    window.add(2, 500);
    expect(window.full).toBe(true);
    window.freeUpTo(1);
    expect([window.full, window.sizeBytes]).toEqual([false, 500]);
  });

  test("an acknowledgement from before the oldest message frees nothing", () => {
    const window = new Inflights(2, 1000);
    window.add(5, 10);
    window.freeUpTo(4);
    expect(window.count).toBe(1);
  });
});
