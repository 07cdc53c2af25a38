import { StringDecoder } from "node:string_decoder";
import { JsonError } from "./json-scalar.ts";

/** A value is longer than it may be. */
export class TooLong extends Error {
  override readonly name = "TooLong";
}

/** Objects and lists within each other: three for each transaction within another one, of which there may be `--max-txn-ops`. */
const maxDepth = 1000;

/**
 * Brackets, commas and colons of one value, which is read in one turn of the event loop: some 20 ms. Enough for a transaction of a few
 * thousand operations.
 */
const maxParts = 40_000;

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openers: readonly number[] = [0x5b, 0x7b];
const closers: readonly number[] = [0x5d, 0x7d];

/**
 * Cuts a text that arrives in pieces into its JSON values: a body holds one, or several in a row with or without space between
 * them. What is no JSON is passed on as it stands, for the parser to complain about; what would keep the parser busy for long is
 * refused here.
 */
export class JsonStream {
  readonly #decoder = new StringDecoder("utf8");
  readonly #maxChars: number;
  #text = "";
  /** Up to here `#text` was looked at. */
  #at = 0;
  #depth = 0;
  #parts = 0;
  #inString = false;
  #escaped = false;

  /** Longer values throw `TooLong`, those of too many parts `JsonError`. */
  constructor(maxChars: number) {
    this.#maxChars = maxChars;
  }

  /** The values that are complete now. */
  *push(chunk: Uint8Array | string): Generator<string> {
    this.#text += typeof chunk === "string" ? chunk : this.#decoder.write(Buffer.from(chunk));
    for (let end = this.#scan(); end > 0; end = this.#scan()) {
      const value = this.#text.slice(0, end).trim();
      this.#text = this.#text.slice(end);
      this.#at = 0;
      this.#parts = 0;
      if (value !== "") yield value;
    }
    if (this.#text.length > this.#maxChars) throw new TooLong(`the value is longer than ${this.#maxChars} characters`);
  }

  /** What is left: a value that did not end, or undefined. */
  end(): string | undefined {
    const rest = (this.#text + this.#decoder.end()).trim();
    return rest === "" ? undefined : rest;
  }

  /** Where the first value ends; 0 if it does not yet. */
  #scan(): number {
    const text = this.#text;
    for (; this.#at < text.length; this.#at++) {
      const letter = text.charCodeAt(this.#at);
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (letter === backslash) this.#escaped = true;
        else if (letter === quote) this.#inString = false;
      } else if (letter === quote) this.#inString = true;
      else if (openers.includes(letter)) this.#enter();
      else if (letter === comma || letter === colon) this.#count();
      else if (closers.includes(letter) && --this.#depth <= 0) {
        this.#depth = 0;
        return ++this.#at;
      }
    }
    return 0;
  }

  #enter(): void {
    if (++this.#depth > maxDepth) throw new JsonError("exceeded max recursion depth");
    this.#count();
  }

  #count(): void {
    if (++this.#parts > maxParts) throw new JsonError(`the message has more than ${maxParts} parts`);
  }
}
