import { vacuity } from "../../checkers/mod.ts";
import { run } from "../../simulation/mod.ts";
import { adjusted, type Caught } from "../bug.ts";

/** Who cuts a network must have stopped something. */
export async function trial(seed: number): Promise<readonly Caught[]> {
  const forced = {
    workload: "register",
    members: 3,
    faults: { isolate: 1 },
    faultMeanUs: 1_000_000,
    faultDurationUs: 1_000_000,
  };
  const { history } = await run({ seed, seconds: 20, adjust: (drawn) => adjusted(drawn, forced) });
  const { checker, summary, anomalies } = vacuity(history, {});
  const kinds = anomalies.map(({ kind }) => kind).filter((kind) => kind === "fault-without-effect");
  return kinds.length === 0 ? [] : [{ by: checker, what: summary, kinds }];
}
