import type { Random } from "../../base/mod.ts";

export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const all = [...items];
  for (let at = all.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [all[at], all[other]] = [all[other]!, all[at]!];
  }
  return all;
}

export function pick<T>(items: readonly T[], random: Random): T {
  return items[random.below(items.length)]!;
}

/** From `least` to `most`, both included. */
export function numberBetween(least: number, most: number, random: Random): number {
  return least + random.below(most - least + 1);
}
