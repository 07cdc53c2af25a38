import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeEntry, encodeEntries, maxEntryBytes } from "./cri-log.ts";

function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0x0a, at);
    lines.push(bytes.subarray(at, end));
    at = end + 1;
  }
  return lines;
}

test("has the format of CRI", () => {
  const at = Date.UTC(2026, 10, 23, 6, 0, 0, 12);
  expect(encodeEntries(Buffer.from("one\ntwo"), "stderr", at).toString()).toBe(
    "2026-11-23T06:00:00.012000000Z stderr F one\n2026-11-23T06:00:00.012000000Z stderr P two\n",
  );
});

test("whatever a container writes, in whatever pieces, comes back whole", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }).map((bytes) => bytes.map((byte) => (byte % 5 === 0 ? 0x0a : byte)))),
      (chunks) => {
        const log = Buffer.concat(chunks.map((chunk) => encodeEntries(Buffer.from(chunk), "stdout", 0)));
        const texts = linesOf(log).map((line) => decodeEntry(line)?.text ?? Buffer.from("lost"));
        expect(Buffer.concat(texts).equals(Buffer.concat(chunks.map((chunk) => Buffer.from(chunk))))).toBe(true);
      },
    ),
  );
});

test("long lines become parts of at most 16 KiB, the last one full", () => {
  const line = `${"x".repeat(2 * maxEntryBytes + 5)}\n`;
  const entries = linesOf(encodeEntries(Buffer.from(line), "stdout", 0)).map((one) => decodeEntry(one));
  expect(entries.map((entry) => [entry?.partial, entry?.text.length])).toEqual([
    [true, maxEntryBytes],
    [true, maxEntryBytes],
    [false, 6],
  ]);
});

test("what is no entry is recognised", () => {
  for (const line of ["", "torn", "2026 stdout", "2026 stdin F x", "2026 stdout Q x"])
    expect(decodeEntry(Buffer.from(line))).toBeUndefined();
});
