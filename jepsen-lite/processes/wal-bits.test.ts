import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { flipWalBits } from "./wal-bits.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "flotilla-bits-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it("bits are turned over in the first half of what the newest segment holds, and nowhere else", () => {
  const old = Buffer.alloc(100, 7);
  const full = Buffer.concat([Buffer.alloc(10_000, 7), Buffer.alloc(50_000)]);
  writeFileSync(join(directory, "0000000000000000-0000000000000000.wal"), old);
  writeFileSync(join(directory, "0000000000000001-0000000000000063.wal"), full);
  const flipped = flipWalBits(directory);
  expect(flipped).toBe(1);
  expect(readFileSync(join(directory, "0000000000000000-0000000000000000.wal"))).toEqual(old);
  const after = readFileSync(join(directory, "0000000000000001-0000000000000063.wal"));
  const changed = [...after.keys()].filter((at) => after[at] !== full[at]);
  expect(changed).toHaveLength(flipped);
  expect(Math.max(...changed)).toBeLessThan(5000);
});
