import type { Random } from "../../base/mod.ts";
import type { Chance } from "./workload.ts";

/** What a client draws from, where runs need not be repeatable to the digit on every machine. */
export function chanceOf(random: Random): Chance {
  const below = (most: number) => random.below(most);
  return {
    below,
    between: (least, most) => least + below(most - least + 1),
    percent: (times) => below(100) < times,
    pick: (choices) => choices[below(choices.length)] as (typeof choices)[number],
    exponential: (mean) => Math.floor(-Math.log(1 - below(2 ** 32) / 2 ** 32) * mean),
  };
}
