import { createDeflate, createInflate, constants as zlib } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { headerDictionary, SpdyError } from "../proto/mod.ts";
import { createHeaderCompression } from "./header-compression.ts";

const blocks = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 3000 }),
    fc.string({ maxLength: 300 }).map((text) => Buffer.from(text)),
    // More than the window, so that what is referred to has to be the right part of it.
    fc.integer({ min: 0, max: 255 }).map((byte) => Buffer.alloc(40_000, `block ${byte} `)),
  ),
  { minLength: 1, maxLength: 8 },
);
const dictionary = Buffer.from(headerDictionary);

/** A zlib stream as other libraries keep it for a session. */
function stream(zlibStream: ReturnType<typeof createDeflate> | ReturnType<typeof createInflate>) {
  const chunks: Buffer[] = [];
  zlibStream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return async (block: Uint8Array) => {
    const flushed = Promise.withResolvers<void>();
    zlibStream.write(block);
    zlibStream.flush(zlib.Z_SYNC_FLUSH, () => flushed.resolve());
    await flushed.promise;
    return Buffer.concat(chunks.splice(0));
  };
}

test("blocks that we packed, a zlib stream unpacks", async () => {
  await fc.assert(
    fc.asyncProperty(blocks, async (all) => {
      const ours = createHeaderCompression();
      const inflate = stream(createInflate({ dictionary }));
      for (const block of all) expect(await inflate(ours.deflate(block))).toEqual(Buffer.from(block));
    }),
    { numRuns: 40 },
  );
});

test("blocks that a zlib stream packed, we unpack", async () => {
  await fc.assert(
    fc.asyncProperty(blocks, async (all) => {
      const ours = createHeaderCompression();
      const deflate = stream(createDeflate({ dictionary }));
      for (const block of all) expect(Buffer.from(ours.inflate(await deflate(block)))).toEqual(Buffer.from(block));
    }),
    { numRuns: 40 },
  );
});

test("a second block costs less than the first of the same headers", () => {
  const { deflate } = createHeaderCompression();
  const block = Buffer.from("streamtype: stdout, requestid: 17, port: 8080, x-something: quite long");
  expect(deflate(block).length).toBeGreaterThan(2 * deflate(block).length);
});

test("what is not zlib's, and what unpacks to megabytes, breaks the protocol", () => {
  const bomb = createHeaderCompression().deflate(Buffer.alloc(4 << 20));
  expect(bomb.length).toBeLessThan(8192);
  for (const block of [bomb, Buffer.alloc(0), Buffer.from("hello"), Buffer.from("78bbe3c6a7c2ffffff", "hex")])
    expect(() => createHeaderCompression().inflate(block)).toThrow(SpdyError);
});

test("random bytes unpack or break the protocol, nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        createHeaderCompression().inflate(Buffer.concat([Buffer.from("78bbe3c6a7c2", "hex"), bytes]));
      } catch (error) {
        expect(error).toBeInstanceOf(SpdyError);
      }
    }),
  );
});
