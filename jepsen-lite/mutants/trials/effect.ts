import { vacuity } from "../../checkers/mod.ts";
import { run } from "../../simulation/mod.ts";
import { adjusted, type Caught } from "../bug.ts";

/** Who cuts a network must have stopped something. */
export async function trial(seed: number): Promise<readonly Caught[]> {
  const forced = { members: 3, faults: { isolate: 1 }, faultMeanUs: 1_000_000, faultDurationUs: 1_000_000 };
  const { history } = await run({ seed, seconds: 20, adjust: (drawn) => adjusted(drawn, forced) });
  const made = new Set(history.flatMap(({ process, f }) => (process === "nemesis" && f in forced.faults ? [f] : [])));
  const { valid, checker, summary } = vacuity(history, { faults: [...made] });
  return valid === true ? [] : [{ by: checker, what: summary, kinds: ["fault-without-effect"] }];
}
