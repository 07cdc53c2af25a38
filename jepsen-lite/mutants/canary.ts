import { canary, overall } from "../checkers/mod.ts";
import { run } from "../simulation/mod.ts";

/** A run of the store as it is, which all other checkers find valid, is found invalid when the canary looks at it too. */
export async function canaryFails(): Promise<boolean> {
  const { violation, history } = await run({ seed: 1, seconds: 5 });
  return violation === undefined && overall([canary(history, {})]) === false;
}
