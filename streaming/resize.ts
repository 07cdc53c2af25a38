import type { Readable } from "node:stream";
import type { TerminalSize } from "./streams.ts";

/** Reads sizes as JSON objects one after the other, in whatever pieces they come: {"Width":80,"Height":24}. What is none is skipped. */
export function readSizes(stream: Readable, onSize: (size: TerminalSize) => void): void {
  let text = "";
  stream.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    for (let end = text.indexOf("}"); end !== -1; end = text.indexOf("}")) {
      const size = parse(text.slice(0, end + 1));
      text = text.slice(end + 1);
      if (size !== undefined) onSize(size);
    }
    if (text.length > maxTextBytes) text = "";
  });
  stream.on("error", () => undefined); // the session ends by other signs
}

const maxTextBytes = 1024;

function parse(text: string): TerminalSize | undefined {
  try {
    // Names in any case, as Go reads them: @kubernetes/client-node writes them small.
    const fields = Object.entries(JSON.parse(text) as object).map(([name, value]) => [name.toLowerCase(), value]);
    const { width, height } = Object.fromEntries(fields) as { width?: unknown; height?: unknown };
    return isSide(width) && isSide(height) ? { width, height } : undefined;
  } catch {
    return undefined; // not JSON: no size
  }
}

function isSide(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff;
}

/** Keeps the last size until somebody listens. */
export class Resizes {
  #last: TerminalSize | undefined;
  #listener: ((size: TerminalSize) => void) | undefined;

  add(size: TerminalSize): void {
    this.#last = size;
    this.#listener?.(size);
  }

  listen(listener: (size: TerminalSize) => void): void {
    this.#listener = listener;
    if (this.#last !== undefined) listener(this.#last);
  }
}
