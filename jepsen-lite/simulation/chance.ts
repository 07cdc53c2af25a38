import type { Random } from "../../base/mod.ts";

/**
 * Numbers drawn from a seed with integer arithmetic alone (sfc32, Chris Doty-Humphrey's), so that every engine draws the same. A
 * stream never feeds another: `split` makes an independent one by name, and what one component draws moves nobody else's numbers.
 */
export class Chance implements Random {
  readonly #key: number;
  #a: number;
  #b: number;
  #c: number;
  #count = 1;

  constructor(seed: number, key = 0x9e3779b9) {
    this.#key = mix(key, seed);
    this.#a = mix(this.#key, 1);
    this.#b = mix(this.#key, 2);
    this.#c = mix(this.#key, Math.floor(seed / 0x1_0000_0000) + 3);
    for (let round = 0; round < 12; round++) this.bits();
  }

  /** The same name of the same stream is always the same stream, whatever was drawn in between. */
  split(name: string): Chance {
    let key = this.#key;
    for (let at = 0; at < name.length; at++) key = mix(key, name.charCodeAt(at) + 1);
    return new Chance(name.length, key);
  }

  /** 32 of them, as an unsigned number. */
  bits(): number {
    const sum = (this.#a + this.#b + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  below(below: number): number {
    return Math.floor((this.bits() / 0x1_0000_0000) * below);
  }

  /** From `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** True so often of a million times. */
  perMillion(times: number): boolean {
    return times > 0 && this.below(1_000_000) < times;
  }

  percent(times: number): boolean {
    return times > 0 && this.below(100) < times;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  /** Whole numbers spread exponentially, without a logarithm, whose last digit is the engine's business: von Neumann's game of comparisons. */
  exponential(mean: number): number {
    if (mean <= 0) return 0;
    for (let whole = 0; ; whole++) {
      const first = this.bits();
      let last = first;
      let runs = 1;
      for (let next = this.bits(); next <= last; next = this.bits()) {
        last = next;
        runs++;
      }
      if (runs % 2 === 1) return Math.floor((whole + first / 0x1_0000_0000) * mean);
    }
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.below(256));
  }

  shuffled<T>(items: readonly T[]): T[] {
    const all = [...items];
    for (let at = all.length - 1; at > 0; at--) {
      const other = this.below(at + 1);
      [all[at], all[other]] = [all[other] as T, all[at] as T];
    }
    return all;
  }
}

/** Murmur3's way of stirring a word into a hash. */
export function mix(hash: number, word: number): number {
  let k = Math.imul(word | 0, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  let h = (hash | 0) ^ Math.imul(k, 0x1b873593);
  h = (h << 13) | (h >>> 19);
  h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  h ^= h >>> 15;
  return Math.imul(h, 0x85ebca6b) | 0;
}
