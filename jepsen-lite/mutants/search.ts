import { adjusted, type Caught, type Search, type SeededBug, type Trial } from "./bug.ts";

/** One seed of a search, in this process: with the bug if its patches are installed. */
export type Attempt = (seed: number) => Promise<Caught | undefined>;

/** Loads what the search runs. Patches must be installed before. */
export async function attemptsOf(search: Search): Promise<Attempt> {
  if (search.kind === "trial") {
    const { trial } = (await import(new URL(search.module, import.meta.url).href)) as { readonly trial: Trial };
    return trial;
  }
  const { run } = await import("../simulation/mod.ts");
  const { seconds, forced } = search;
  return async (seed) => {
    const { violation } = await run({ seed, seconds, adjust: (drawn) => adjusted(drawn, forced) });
    return violation === undefined ? undefined : { by: violation.property, what: violation.message };
  };
}

export function counts({ caughtBy }: SeededBug, caught: Caught | undefined): boolean {
  return caught !== undefined && caughtBy.includes(caught.by);
}
