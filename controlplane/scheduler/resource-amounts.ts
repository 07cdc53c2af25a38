import { Quantity } from "../api/mod.ts";

/** Amounts by resource name: CPU in thousandths of a core, everything else in its own unit (bytes, pieces), rounded up. */
export type ResourceAmounts = ReadonlyMap<string, number>;

export function resourceAmounts(quantities: Readonly<Record<string, string>> | undefined): ResourceAmounts {
  const amounts = new Map<string, number>();
  for (const [resource, text] of Object.entries(quantities ?? {})) {
    const quantity = Quantity.of(text);
    amounts.set(resource, resource === "cpu" ? quantity.milliValue() : quantity.value());
  }
  return amounts;
}
