import { parseGoDuration, type Random } from "../../base/mod.ts";

/** What a failpoint does this time. */
export type Effect =
  | { readonly kind: "panic"; readonly why: string }
  | { readonly kind: "sleep"; readonly ms: number }
  | { readonly kind: "return"; readonly value: string | number | boolean | undefined }
  | { readonly kind: "print" };

interface Term {
  /** How often the term may still act; undefined: always. */
  left: number | undefined;
  /** In percent. */
  readonly chances: readonly number[];
  /** Undefined: `off`. */
  readonly effect: Effect | undefined;
}

const grammar =
  /^((?:\d+(?:\.\d+)?[%*])*)(off|return|sleep|panic|print)(?:\(("(?:[^"\\]|\\["\\nrt])*"|-?\d+|true|false)?\))?$/;

/**
 * What was set at a failpoint, in the language of FreeBSD's fail(9) as gofail has it: terms joined by `->`, each an action with
 * modifiers: `2*sleep("100ms")->10%return("x")->panic` sleeps twice, and then mostly panics. The first term that may act does.
 */
export class Terms {
  readonly text: string;
  readonly #chain: readonly Term[];
  /** How often something happened. */
  count = 0;

  private constructor(text: string, chain: readonly Term[]) {
    this.text = text;
    this.#chain = chain;
  }

  /** Undefined if the text is not of that language. */
  static parse(text: string): Terms | undefined {
    const chain = splitTerms(text).map(parseTerm);
    return chain.every((term) => term !== undefined) ? new Terms(text, chain) : undefined;
  }

  next(random: Random): Effect | undefined {
    for (const term of this.#chain) {
      if (!mayAct(term, random)) continue;
      this.count++;
      return term.effect;
    }
    return undefined;
  }
}

/** At `->`, except within a quoted value. */
function splitTerms(text: string): string[] {
  const parts: string[] = [];
  let from = 0;
  for (const { index } of text.matchAll(/"(?:[^"\\]|\\.)*"|->/g)) {
    if (!text.startsWith("->", index)) continue;
    parts.push(text.slice(from, index));
    from = index + 2;
  }
  return [...parts, text.slice(from)];
}

function parseTerm(text: string): Term | undefined {
  const [match, modifiers = "", action = "", quoted] = grammar.exec(text.trim()) ?? [];
  if (match === undefined) return undefined;
  const counts: number[] = [];
  const chances: number[] = [];
  for (const [, number, unit] of modifiers.matchAll(/([\d.]+)([%*])/g))
    (unit === "*" ? counts : chances).push(Number(number));
  const effect = parseEffect(
    action,
    quoted === undefined ? undefined : (JSON.parse(quoted) as string | number | boolean),
  );
  if (effect === "malformed") return undefined;
  return { left: counts.length === 0 ? undefined : Math.min(...counts), chances, effect };
}

function parseEffect(action: string, value: string | number | boolean | undefined): Effect | "malformed" | undefined {
  switch (action) {
    case "panic":
      return { kind: "panic", why: String(value ?? "{}") };
    case "print":
      return { kind: "print" };
    case "return":
      return { kind: "return", value };
    case "sleep": {
      const ms = typeof value === "string" ? parseGoDuration(value) : value;
      return typeof ms === "number" && ms >= 0 ? { kind: "sleep", ms } : "malformed";
    }
    default:
      return undefined;
  }
}

function mayAct(term: Term, random: Random): boolean {
  if (term.left === 0) return false;
  if (term.left !== undefined) term.left--;
  return term.chances.every((percent) => random.below(1_000_000) < percent * 10_000);
}
