/** Splits bytes into lines of text, without their line feeds; a last line without one counts when it is not empty. */
export async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  // Bytes are joined before they become text: a chunk may end in the middle of a character.
  let begun: Uint8Array[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const piece = chunk.subarray(start, end);
      yield (
        begun.length === 0
          ? Buffer.from(piece.buffer, piece.byteOffset, piece.length)
          : Buffer.concat([...begun, piece])
      ).toString("utf8");
      begun = [];
      start = end + 1;
    }
    if (start < chunk.length) begun.push(chunk.subarray(start));
  }
  if (begun.length > 0) yield Buffer.concat(begun).toString("utf8");
}
