import { run } from "../../simulation/mod.ts";
import type { Caught } from "../bug.ts";

/** The same seed makes the same run, down to every event. */
export async function trial(seed: number): Promise<readonly Caught[]> {
  const [first, second] = [await run({ seed, seconds: 2 }), await run({ seed, seconds: 2 })];
  if (first.hash === second.hash) return [];
  return [{ by: "double-run hash", what: `seed ${seed} ran as ${first.hash}, then as ${second.hash}` }];
}
