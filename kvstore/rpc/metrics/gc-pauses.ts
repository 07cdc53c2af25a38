import { PerformanceObserver } from "node:perf_hooks";
import type { Sample } from "../../metrics/mod.ts";

/** Quantiles that Go's summary of its pauses has. */
const quantiles = [0, 0.25, 0.5, 0.75, 1];
const kept = 256;

/** Pauses of V8's garbage collector, from the first look on: who does not ask does not pay. */
class GcPauses {
  /** Since 1970; 0 before the first. */
  lastSeconds = 0;
  /** The newest, in seconds. */
  readonly #pauses: number[] = [];
  #sum = 0;
  #count = 0;
  #observer: PerformanceObserver | undefined;

  *samples(): Generator<Sample> {
    this.#observe();
    const sorted = this.#pauses.toSorted((a, b) => a - b);
    for (const quantile of quantiles) {
      const value = sorted[Math.round(quantile * (sorted.length - 1))] ?? 0;
      yield { labels: { quantile: String(quantile) }, value };
    }
    yield { suffix: "_sum", value: this.#sum };
    yield { suffix: "_count", value: this.#count };
  }

  #observe(): void {
    if (this.#observer !== undefined) return;
    this.#observer = new PerformanceObserver((list) => {
      for (const { duration, startTime } of list.getEntries()) this.#note(duration / 1000, startTime + duration);
    });
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  #note(seconds: number, endMs: number): void {
    this.#sum += seconds;
    this.#count++;
    this.lastSeconds = (performance.timeOrigin + endMs) / 1000;
    if (this.#pauses.push(seconds) > kept) this.#pauses.shift();
  }
}

/** All members in one process share it. */
export const gcPauses = new GcPauses();
