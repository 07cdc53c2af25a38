import { quantile } from "./stats.ts";

/** What a load gave. */
export interface Measured {
  /** Requests answered, or events delivered. */
  readonly operations: number;
  readonly perSecond: number;
  /** Of the time from a request to its whole answer, or from a write to its event: half, and 99 of 100, were faster. */
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** Gathers what a generator sees; times in milliseconds. */
export class Latencies {
  readonly #all: number[] = [];

  add(ms: number): void {
    this.#all.push(ms);
  }

  get count(): number {
    return this.#all.length;
  }

  get longestMs(): number {
    let longest = 0;
    for (const ms of this.#all) longest = Math.max(longest, ms);
    return longest;
  }

  quantiles(): { readonly medianMs: number; readonly p99Ms: number } {
    const sorted = Float64Array.from(this.#all).sort() as unknown as number[];
    return { medianMs: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) };
  }
}
