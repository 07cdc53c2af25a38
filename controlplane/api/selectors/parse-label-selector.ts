import { isQualifiedName } from "../validation/formats.ts";
import { misuse, type Operator, type Requirement, type SelectorResult } from "./label-selector.ts";

/**
 * Reads a labelSelector query parameter:
 *
 *     selector    = [ requirement { "," requirement } ]
 *     requirement = [ "!" ] key | key ( "=" | "==" | "!=" | ">" | "<" ) [ value ] | key ( "in" | "notin" ) "(" values ")"
 *
 * `in` and `notin` are words like others except behind a key. Space is free.
 */
export function parseLabelSelector(text: string): SelectorResult {
  try {
    return { ok: true, selector: new Parser(text).selector() };
  } catch (error) {
    if (error instanceof Misread) return { ok: false, message: error.message };
    throw error;
  }
}

class Misread extends Error {}

type Token = { readonly kind: "word" | "symbol" | "end"; readonly text: string };

const tokenPattern = /\s*(?:(==|!=|[=!(),<>])|([^\s=!(),<>]+)|$)/y;
const comparisons: Readonly<Record<string, Operator>> = {
  "=": "=",
  "==": "=",
  "!=": "!=",
  ">": ">",
  "<": "<",
  in: "in",
  notin: "notin",
};

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = [...tokens(text)];
  }

  selector(): Requirement[] {
    const requirements: Requirement[] = [];
    if (this.#peek().kind === "end") return requirements;
    if (!this.#startsRequirement()) throw this.#unexpected("!, identifier, or 'end of string'");
    for (;;) {
      requirements.push(this.#requirement());
      if (this.#peek().kind === "end") return requirements;
      if (!this.#take(",")) throw this.#unexpected("',' or 'end of string'");
      if (!this.#startsRequirement()) throw this.#unexpected("identifier after ','");
    }
  }

  #requirement(): Requirement {
    const isNegated = this.#take("!");
    const { kind, text: key } = this.#peek();
    if (kind !== "word") throw new Misread(`unable to parse requirement: found '${key}', expected: identifier`);
    this.#at++;
    const wrongKey = isQualifiedName(key);
    if (wrongKey.length > 0) {
      const complaint = `<nil>: Invalid value: ${JSON.stringify(key)}: ${wrongKey.join("; ")}`;
      throw new Misread(`unable to parse requirement: ${complaint}`);
    }
    return this.#checked({ key, ...this.#condition(isNegated) });
  }

  #condition(isNegated: boolean): Omit<Requirement, "key"> {
    const { kind, text } = this.#peek();
    const isBare = kind === "end" || text === ",";
    if (isNegated && isBare) return { operator: "!", values: [] };
    if (isBare) return { operator: "exists", values: [] };
    const operator = Object.hasOwn(comparisons, text) ? comparisons[text] : undefined;
    if (operator === undefined) throw this.#unexpectedHere("in, notin, =, ==, !=, gt, lt");
    this.#at++;
    return { operator, values: operator === "in" || operator === "notin" ? this.#values() : [this.#value()] };
  }

  /** An empty value is legal: `key=`. */
  #value(): string {
    const { kind, text } = this.#peek();
    if (kind === "end" || text === ",") return "";
    if (kind !== "word") throw this.#unexpectedHere("identifier");
    this.#at++;
    return text;
  }

  #values(): string[] {
    if (!this.#take("(")) throw new Misread(`unable to parse requirement: found '${this.#peek().text}' expected: '('`);
    const values = new Set<string>();
    for (;;) {
      const { kind, text } = this.#peek();
      if (kind === "word") {
        values.add(text);
        this.#at++;
      } else if (text === "," || text === ")") values.add("");
      else throw this.#unexpectedHere("',', ')' or identifier");
      if (this.#take(")")) return [...values].sort();
      if (!this.#take(",")) throw this.#unexpectedHere("',' or ')'");
    }
  }

  #checked(requirement: Requirement): Requirement {
    const complaint = misuse(requirement);
    if (complaint !== undefined) throw new Misread(`unable to parse requirement: ${complaint}`);
    return requirement;
  }

  #startsRequirement(): boolean {
    return this.#peek().kind === "word" || this.#peek().text === "!";
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: "end", text: "" };
  }

  #take(symbol: string): boolean {
    const { kind, text } = this.#peek();
    if (kind !== "symbol" || text !== symbol) return false;
    this.#at++;
    return true;
  }

  #unexpected(expected: string): Misread {
    return new Misread(`found '${this.#peek().text}', expected: ${expected}`);
  }

  #unexpectedHere(expected: string): Misread {
    return new Misread(`unable to parse requirement: ${this.#unexpected(expected).message}`);
  }
}

function* tokens(text: string): Generator<Token> {
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < text.length) {
    const [, symbol, word] = tokenPattern.exec(text) ?? [];
    if (symbol !== undefined) yield { kind: "symbol", text: symbol };
    else if (word !== undefined) yield { kind: "word", text: word };
    else return;
  }
}
