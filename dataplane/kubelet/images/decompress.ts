import { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";

/** The plain bytes of a stream that is gzip, zstd or neither, told by its first bytes: media types lie more often than those. */
export async function decompressed(source: AsyncIterable<Uint8Array>): Promise<Readable> {
  const chunks = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < 4) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  const whole = Readable.from(
    (async function* () {
      yield head;
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
    })(),
    { objectMode: false },
  );
  const decoder =
    head.subarray(0, 2).toString("hex") === "1f8b"
      ? createGunzip()
      : head.subarray(0, 4).toString("hex") === "28b52ffd"
        ? createZstdDecompress()
        : undefined;
  if (decoder === undefined) return whole;
  whole.on("error", (error) => decoder.destroy(error));
  return whole.pipe(decoder);
}
