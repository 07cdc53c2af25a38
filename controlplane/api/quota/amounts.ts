import { Quantity } from "../quantity/quantity.ts";

/** Quantities by the name of what they measure. */
export type Amounts = ReadonlyMap<string, Quantity>;

/** A resource list of an object, as numbers. */
export function amountsOf(list: Readonly<Record<string, string>> | undefined): Map<string, Quantity> {
  return new Map(Object.entries(list ?? {}).map(([name, text]) => [name, Quantity.of(text)]));
}

/** As it is written into objects, by name. */
export function resourceListOf(amounts: Amounts): Record<string, string> {
  const sorted = [...amounts].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, amount]) => [name, amount.toString()]));
}

/** Everything named in either; what one does not name counts as nothing there. */
export function addAmounts(a: Amounts, b: Amounts): Map<string, Quantity> {
  const sum = new Map(a);
  for (const [name, amount] of b) sum.set(name, sum.get(name)?.add(amount) ?? amount);
  return sum;
}

/** Never below nothing. */
export function subtractAmounts(a: Amounts, b: Amounts): Map<string, Quantity> {
  const rest = new Map<string, Quantity>();
  for (const [name, amount] of a) {
    const difference = amount.subtract(b.get(name) ?? Quantity.zero);
    rest.set(name, difference.compare(Quantity.zero) < 0 ? Quantity.zero : difference);
  }
  return rest;
}

export function largerAmounts(a: Amounts, b: Amounts): Map<string, Quantity> {
  const larger = new Map(a);
  for (const [name, amount] of b) if (amount.compare(a.get(name) ?? Quantity.zero) >= 0) larger.set(name, amount);
  return larger;
}

export function onlyAmounts(amounts: Amounts, names: Iterable<string>): Map<string, Quantity> {
  const wanted = new Set(names);
  return new Map([...amounts].filter(([name]) => wanted.has(name)));
}
