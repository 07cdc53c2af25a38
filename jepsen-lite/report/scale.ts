/** Turns values into places along one side of a chart, and knows where its marks go. */
export interface Scale {
  at(value: number): number;
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
}

const roundSteps = [1, 2, 5, 10];

/** The smallest of 1, 2, 5, 10, 20, … (times any power of ten) that is not below `least`. */
export function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * (roundSteps.find((step) => step * power >= least * 0.999_999) as number);
}

/** From 0 (or from `least`) to at least `most`, along pixels from `start` to `end`. */
export function linear(options: {
  readonly least?: number;
  readonly most: number;
  readonly start: number;
  readonly end: number;
  readonly marks?: number;
  /** `step` is how far marks are apart. */
  label(value: number, step: number): string;
}): Scale {
  const { least = 0, most, start, end, marks = 5, label } = options;
  const span = most > least ? most - least : 1;
  const step = roundStep(span / marks);
  const ticks = [];
  // Counted, not added up: a sum of 0.1s is soon 0.30000000000000004.
  for (let at = Math.ceil(least / step); at * step <= least + span * 1.000_001; at++)
    ticks.push({ value: at * step, label: label(at * step, step) });
  return { at: (value) => start + ((value - least) / span) * (end - start), ticks };
}

/** Decades. Both ends are moved out to a power of ten. */
export function logarithmic(options: {
  readonly least: number;
  readonly most: number;
  readonly start: number;
  readonly end: number;
  label(value: number): string;
}): Scale {
  const { least, most, start, end, label } = options;
  const low = Math.floor(Math.log10(least));
  const high = Math.max(low + 1, Math.ceil(Math.log10(most)));
  const ticks = Array.from({ length: high - low + 1 }, (_, at) => 10 ** (low + at));
  return {
    at: (value) => start + ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) * (end - start),
    ticks: ticks.map((value) => ({ value, label: label(value) })),
  };
}
