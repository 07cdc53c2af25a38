import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../controlplane/client/mod.ts";
import { encodeEntries } from "../runtime/embedded/cri-log.ts";
import { type ReadLogOptions, readLog } from "./log-reader.ts";

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "flotilla-log-"));
  file = join(dir, "0.log");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const at = (second: number, text: string) => encodeEntries(Buffer.from(text), "stdout", second * 1000);

function read(options: Partial<ReadLogOptions> = {}) {
  const signal = new AbortController().signal;
  return readLog(file, {
    follow: false,
    timestamps: false,
    clock: systemClock,
    isRunning: async () => false,
    signal,
    ...options,
  });
}

async function textOf(options: Partial<ReadLogOptions> = {}): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of read(options)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test("shows everything, the last lines, what is new enough, or so many bytes", async () => {
  writeFileSync(file, Buffer.concat([at(1, "one\n"), at(2, "two\n"), at(3, "three\n")]));
  expect(await textOf()).toBe("one\ntwo\nthree\n");
  expect(await textOf({ tailLines: 2 })).toBe("two\nthree\n");
  expect(await textOf({ tailLines: 0 })).toBe("");
  expect(await textOf({ tailLines: 99 })).toBe("one\ntwo\nthree\n");
  expect(await textOf({ sinceMs: 2000 })).toBe("two\nthree\n");
  expect(await textOf({ limitBytes: 5 })).toBe("one\nt");
});

test("stamps lines, not the parts of one", async () => {
  writeFileSync(file, Buffer.concat([at(1, "half "), at(2, "whole\n"), at(3, "next\n")]));
  expect(await textOf({ timestamps: true })).toBe(
    "1970-01-01T00:00:01.000000000Z half whole\n1970-01-01T00:00:03.000000000Z next\n",
  );
});

test("the last lines are found however long the file", async () => {
  const lines = Array.from({ length: 5000 }, (_, i) => `line ${i} ${"x".repeat(i % 50)}\n`);
  writeFileSync(file, Buffer.concat(lines.map((line) => at(1, line))));
  expect(await textOf({ tailLines: 4000 })).toBe(lines.slice(1000).join(""));
});

test("follows until the container has ended, and misses nothing it wrote last", async () => {
  writeFileSync(file, at(1, "first\n"));
  let running = true;
  const following = read({ follow: true, isRunning: async () => running });
  expect((await following.next()).value?.toString()).toBe("first\n");
  const second = following.next();
  appendFileSync(file, at(2, "second\n"));
  expect((await second).value?.toString()).toBe("second\n");
  const last = following.next();
  appendFileSync(file, at(3, "last\n"));
  running = false;
  expect((await last).value?.toString()).toBe("last\n");
  expect((await following.next()).done).toBe(true);
});
