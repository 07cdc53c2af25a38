/** Only grows. Whoever counts adds to `value`: that is all it costs. */
export class Counter {
  value = 0;
}

/** Goes up and down. */
export class Gauge {
  value = 0;
}

/** How often something took how long, or was how large. */
export class Histogram {
  /** Upper bounds, ascending; what is above the last falls into one more. */
  readonly bounds: readonly number[];
  /** Per bound, not cumulative. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    let at = 0;
    // Most values are small, and there are few bounds.
    while (at < bounds.length && value > (bounds[at] as number)) at++;
    counts[at]!++;
    this.sum += value;
  }
}

/** One instrument per combination of labels. Whoever counts often keeps the one that `with` gave. */
export class Family<T> {
  readonly labels: readonly string[];
  readonly members = new Map<string, { readonly values: readonly string[]; readonly instrument: T }>();
  readonly #make: () => T;

  constructor(labels: readonly string[], make: () => T) {
    this.labels = labels;
    this.#make = make;
  }

  with(...values: readonly string[]): T {
    const key = values.join("\0");
    let member = this.members.get(key);
    if (member === undefined) {
      member = { values, instrument: this.#make() };
      this.members.set(key, member);
    }
    return member.instrument;
  }
}

/** `count` bounds, each `factor` times the one before. */
export function exponentialBounds(start: number, factor: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => start * factor ** at);
}
