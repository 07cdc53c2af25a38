import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Resizes, readSizes } from "./resize.ts";
import type { TerminalSize } from "./streams.ts";

async function sizesIn(chunks: readonly string[]): Promise<TerminalSize[]> {
  const stream = new PassThrough();
  const sizes: TerminalSize[] = [];
  readSizes(stream, (size) => sizes.push(size));
  for (const chunk of chunks) stream.write(chunk);
  await turn();
  return sizes;
}

test("sizes arrive whole and in order, in whatever pieces they come", async () => {
  const side = fc.integer({ min: 0, max: 0xffff });
  const size = fc.record({ width: side, height: side });
  const sizes = fc.array(size, { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.constantFrom("", "\n", " "), fc.integer({ min: 1, max: 9 }), async (all, gap, step) => {
      const text = all.map(({ width, height }) => JSON.stringify({ Width: width, Height: height }) + gap).join("");
      const chunks = Array.from({ length: Math.ceil(text.length / step) }, (_, i) =>
        text.slice(i * step, (i + 1) * step),
      );
      expect(await sizesIn(chunks)).toEqual(all);
    }),
  );
});

test("names count in any case", async () => {
  expect(await sizesIn(['{"width":97,"HEIGHT":31}'])).toEqual([{ width: 97, height: 31 }]);
});

test.each([
  ["no JSON", "{]}"],
  ["a side that is missing", '{"Width":80}'],
  ["a side that is negative", '{"Width":-1,"Height":24}'],
  ["a side that fits into no terminal", '{"Width":80,"Height":65536}'],
  ["a side that is no whole number", '{"Width":80.5,"Height":24}'],
  ["null", "null}"],
  ["a text without an end", "{".repeat(5000)],
])("%s is skipped, and the next size counts", async (_what, text) => {
  expect(await sizesIn([text, '{"Width":97,"Height":31}'])).toEqual([{ width: 97, height: 31 }]);
});

test("random bytes are sizes or skipped, never anything else", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: "binary", maxLength: 40 }), { maxLength: 8 }), async (chunks) => {
      for (const { width, height } of await sizesIn(chunks)) expect(Math.max(width, height)).toBeLessThan(0x1_0000);
    }),
    { numRuns: 50 },
  );
});

test("who listens late hears the last size, then every one", () => {
  const resizes = new Resizes();
  resizes.add({ width: 1, height: 1 });
  resizes.add({ width: 2, height: 2 });
  const heard: number[] = [];
  resizes.listen(({ width }) => heard.push(width));
  resizes.add({ width: 3, height: 3 });
  expect(heard).toEqual([2, 3]);
});
