import { StringDecoder } from "node:string_decoder";

/** A value is longer than it may be. */
export class TooLong extends Error {
  override readonly name = "TooLong";
}

/**
 * Cuts a text that arrives in pieces into its JSON values: a body holds one, or several in a row with or without space between
 * them. What is no JSON is passed on as it stands, for the parser to complain about.
 */
export class JsonStream {
  readonly #decoder = new StringDecoder("utf8");
  readonly #maxChars: number;
  #text = "";
  /** Up to here `#text` was looked at. */
  #at = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** Longer values throw `TooLong`. */
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
    for (; this.#at < this.#text.length; this.#at++) {
      const letter = this.#text[this.#at];
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (letter === "\\") this.#escaped = true;
        else if (letter === '"') this.#inString = false;
      } else if (letter === '"') this.#inString = true;
      else if (letter === "{" || letter === "[") this.#depth++;
      else if ((letter === "}" || letter === "]") && --this.#depth <= 0) {
        this.#depth = 0;
        return ++this.#at;
      }
    }
    return 0;
  }
}
