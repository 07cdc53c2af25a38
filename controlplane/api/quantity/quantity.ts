/** How a quantity was written, which is how its sums are written too. */
export type QuantityFormat = "DecimalSI" | "BinarySI" | "DecimalExponent";

const pattern = /^([+-]?)(\d+\.?\d*|\.\d+)([a-zA-Z]*)([+-]?\d*)$/;
const decimalSuffixes: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  "": 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binarySuffixes: Readonly<Record<string, bigint>> = { Ki: 1n, Mi: 2n, Gi: 3n, Ti: 4n, Pi: 5n, Ei: 6n };
const nanosPerUnit = 1_000_000_000n;
/** Larger values are cut to this, as Kubernetes does. */
const largest = (2n ** 63n - 1n) * nanosPerUnit;

/** The sentence Kubernetes answers with when a quantity cannot be read. */
export const quantityError =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/**
 * A fixed-point number with a unit suffix: `250m`, `1.5`, `64Mi`, `1e3`. Exact down to one billionth; what is finer is rounded away
 * from zero, so that nobody gets less than they asked for.
 */
export class Quantity {
  static readonly zero = new Quantity(0n, "DecimalSI");
  /** The amount in billionths. */
  readonly nanos: bigint;
  readonly format: QuantityFormat;

  constructor(nanos: bigint, format: QuantityFormat) {
    this.nanos = nanos > largest ? largest : nanos < -largest ? -largest : nanos;
    this.format = format;
  }

  /** Undefined when the text is not a quantity: answer with `quantityError`. */
  static parse(text: string): Quantity | undefined {
    const [, sign, digits, suffix, exponentDigits] = pattern.exec(text) ?? [];
    if (digits === undefined || suffix === undefined || exponentDigits === undefined) return undefined;
    const [wholePart, fraction = ""] = digits.split(".") as [string, string?];
    const unscaled = BigInt(`${wholePart}${fraction}`) * (sign === "-" ? -1n : 1n);

    if (exponentDigits !== "") {
      if ((suffix !== "e" && suffix !== "E") || !/\d$/.test(exponentDigits)) return undefined;
      return new Quantity(scaleToNanos(unscaled, Number(exponentDigits) - fraction.length), "DecimalExponent");
    }
    const power = binarySuffixes[suffix];
    if (power !== undefined) {
      return new Quantity(scaleToNanos(unscaled * 1024n ** power, -fraction.length), "BinarySI");
    }
    const exponent = decimalSuffixes[suffix];
    if (exponent === undefined) return undefined;
    return new Quantity(scaleToNanos(unscaled, exponent - fraction.length), "DecimalSI");
  }

  /** For texts that were validated before; anything else counts as nothing. */
  static of(text: string | undefined): Quantity {
    return (text === undefined ? undefined : Quantity.parse(text)) ?? Quantity.zero;
  }

  static fromNumber(value: number, format: QuantityFormat = "DecimalSI"): Quantity {
    return new Quantity(BigInt(Math.round(value * 1e9)), format);
  }

  static fromMilli(milli: number): Quantity {
    return new Quantity(BigInt(Math.round(milli)) * 1_000_000n, "DecimalSI");
  }

  /** Whole units, rounded away from zero. */
  value(): number {
    return Number(divideAwayFromZero(this.nanos, nanosPerUnit));
  }

  /** Thousandths, rounded away from zero: the unit CPU is counted in. */
  milliValue(): number {
    return Number(divideAwayFromZero(this.nanos, 1_000_000n));
  }

  isZero(): boolean {
    return this.nanos === 0n;
  }

  compare(other: Quantity): number {
    return this.nanos < other.nanos ? -1 : this.nanos > other.nanos ? 1 : 0;
  }

  /** A sum is written as its first part is, unless that part was zero. */
  add(other: Quantity): Quantity {
    return new Quantity(this.nanos + other.nanos, this.isZero() ? other.format : this.format);
  }

  subtract(other: Quantity): Quantity {
    return new Quantity(this.nanos - other.nanos, this.isZero() ? other.format : this.format);
  }

  /** Canonical: no fraction, the largest suffix that loses nothing. Equal quantities of one format print alike. */
  toString(): string {
    if (this.nanos === 0n) return "0";
    const isWhole = this.nanos % nanosPerUnit === 0n;
    const magnitude = this.nanos < 0n ? -this.nanos : this.nanos;
    // Small and fractional amounts are clearer in decimal: 500m rather than a fraction of 1Ki.
    if (this.format === "BinarySI" && isWhole && magnitude >= 1024n * nanosPerUnit) {
      return toBinary(this.nanos / nanosPerUnit);
    }
    return toDecimal(this.nanos, this.format === "DecimalExponent");
  }
}

function toBinary(whole: bigint): string {
  let rest = whole;
  let power = 0;
  while (power < 6 && rest % 1024n === 0n) {
    rest /= 1024n;
    power++;
  }
  return `${rest}${["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][power]}`;
}

function toDecimal(nanos: bigint, asExponent: boolean): string {
  let rest = nanos;
  let exponent = -9;
  while (exponent < 18 && rest % 1000n === 0n) {
    rest /= 1000n;
    exponent += 3;
  }
  if (exponent === 0) return `${rest}`;
  if (asExponent) return `${rest}e${exponent}`;
  return `${rest}${["n", "u", "m", "", "k", "M", "G", "T", "P", "E"][exponent / 3 + 3]}`;
}

function scaleToNanos(unscaled: bigint, exponent: number): bigint {
  const shift = exponent + 9;
  // An exponent beyond the range of values: all digits, or none, are left.
  if (shift > 60) return unscaled === 0n ? 0n : unscaled > 0n ? largest : -largest;
  if (shift < -400) return unscaled === 0n ? 0n : unscaled > 0n ? 1n : -1n;
  return shift >= 0 ? unscaled * 10n ** BigInt(shift) : divideAwayFromZero(unscaled, 10n ** BigInt(-shift));
}

function divideAwayFromZero(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  if (dividend % divisor === 0n) return quotient;
  return dividend > 0n ? quotient + 1n : quotient - 1n;
}
