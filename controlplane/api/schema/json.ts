/**
 * JSON as Kubernetes reads it: case-sensitive, and aware of keys that stand twice in one object (the last one wins, and the client is
 * told). Syntax errors are told in the words of Go's encoding/json, which users of kubectl see.
 */
export type JsonResult =
  | {
      readonly ok: true;
      readonly value: unknown;
      /** Paths of keys met a second time, such as `spec.ports[0].name`. */
      readonly duplicates: readonly string[];
    }
  | { readonly ok: false; readonly message: string };

export function parseJson(text: string): JsonResult {
  const scanner = new Scanner(text);
  try {
    const value = scanner.document();
    return { ok: true, value, duplicates: scanner.duplicates };
  } catch (error) {
    if (error instanceof SyntaxProblem) return { ok: false, message: error.message };
    throw error;
  }
}

/** Sets a property of the object itself, even where the key is `__proto__`. */
export function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else object[key] = value;
}

class SyntaxProblem extends Error {}

const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};
/** As deep as Go's decoder goes. */
const maxDepth = 10_000;

class Scanner {
  readonly duplicates: string[] = [];
  readonly #text: string;
  #at = 0;
  /** Keys and indexes on the way to the value being read. */
  readonly #path: (string | number)[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  document(): unknown {
    const value = this.#value();
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#unexpected("after top-level value");
    return value;
  }

  #value(): unknown {
    this.#skipSpace();
    if (this.#path.length > maxDepth) throw new SyntaxProblem("exceeded max depth");
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object();
      case "[":
        return this.#array();
      case '"':
        return this.#string();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  #object(): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    this.#at++;
    this.#skipSpace();
    if (this.#take("}")) return object;
    for (;;) {
      this.#skipSpace();
      if (this.#text[this.#at] !== '"') throw this.#unexpected("looking for beginning of object key string");
      const key = this.#string();
      this.#skipSpace();
      if (!this.#take(":")) throw this.#unexpected("after object key");
      this.#path.push(key);
      if (Object.hasOwn(object, key)) this.duplicates.push(showPath(this.#path));
      setOwn(object, key, this.#value());
      this.#path.pop();
      this.#skipSpace();
      if (this.#take("}")) return object;
      if (!this.#take(",")) throw this.#unexpected("after object key:value pair");
    }
  }

  #array(): unknown[] {
    const array: unknown[] = [];
    this.#at++;
    this.#skipSpace();
    if (this.#take("]")) return array;
    for (;;) {
      this.#path.push(array.length);
      array.push(this.#value());
      this.#path.pop();
      this.#skipSpace();
      if (this.#take("]")) return array;
      if (!this.#take(",")) throw this.#unexpected("after array element");
    }
  }

  #string(): string {
    this.#at++;
    let text = "";
    for (;;) {
      const start = this.#at;
      this.#skipPlain();
      text += this.#text.slice(start, this.#at);
      if (this.#take('"')) return text;
      if (!this.#take("\\")) throw this.#unexpected("in string literal");
      text += this.#escape();
    }
  }

  /** To the end of the string, an escape, or a control character, which has no place in a string. */
  #skipPlain(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22 || code === 0x5c || code < 0x20 || Number.isNaN(code)) return;
      this.#at++;
    }
  }

  #escape(): string {
    const letter = this.#text[this.#at] ?? "";
    const plain = escapes[letter];
    if (plain !== undefined) {
      this.#at++;
      return plain;
    }
    if (letter !== "u") throw this.#unexpected("in string escape code");
    const digits = this.#text.slice(this.#at + 1, this.#at + 5);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#unexpected("in \\u hexadecimal character escape");
    this.#at += 5;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  #number(): number {
    numberPattern.lastIndex = this.#at;
    const match = numberPattern.exec(this.#text);
    if (match === null) throw this.#unexpected("looking for beginning of value");
    this.#at = numberPattern.lastIndex;
    return Number(match[0]);
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) {
      while (this.#text[this.#at] === word[0]) this.#at++;
      throw this.#unexpected(`in literal ${word}`);
    }
    this.#at += word.length;
    return value;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #unexpected(where: string): SyntaxProblem {
    const character = this.#text[this.#at];
    if (character === undefined) return new SyntaxProblem("unexpected end of JSON input");
    const shown = character === "'" ? "'\\''" : `'${JSON.stringify(character).slice(1, -1).replace('\\"', '"')}'`;
    return new SyntaxProblem(`invalid character ${shown} ${where}`);
  }
}

/** `["spec", "ports", 0, "name"]` as `spec.ports[0].name`. */
export function showPath(path: readonly (string | number)[]): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += text === "" ? step : `.${step}`;
  }
  return text;
}
