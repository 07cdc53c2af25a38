import { Quantity } from "../api/mod.ts";

/** Amounts by resource name: CPU in thousandths of a core, everything else in its own unit (bytes, pieces), rounded up. */
export type ResourceAmounts = ReadonlyMap<string, number>;

/** Pods of one template ask for the same texts again and again. Forgotten as a whole when there are many. */
const known = new Map<string, number>();
const mostKnown = 10_000;

function amountOf(resource: string, text: string): number {
  const key = resource === "cpu" ? `${text} cpu` : text;
  let amount = known.get(key);
  if (amount === undefined) {
    const quantity = Quantity.of(text);
    amount = resource === "cpu" ? quantity.milliValue() : quantity.value();
    if (known.size >= mostKnown) known.clear();
    known.set(key, amount);
  }
  return amount;
}

export function resourceAmounts(quantities: Readonly<Record<string, string>> | undefined): ResourceAmounts {
  const amounts = new Map<string, number>();
  for (const resource in quantities) amounts.set(resource, amountOf(resource, quantities[resource] as string));
  return amounts;
}
